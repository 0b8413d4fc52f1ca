use sea_orm::{ConnectionTrait, QueryResult};

use super::grantee;
use crate::doctor::facts::{Privileges, Support};
use crate::error::RlsError;
use crate::schema::catalog::query::{get, name, rows, table};

/// The privileges of a new server are in `pg_init_privs`, or else the defaults of the object's
/// kind. The views of `information_schema` are younger than that list, and show only what their
/// reader may see. `set_config` has its own rule.
pub(super) async fn privileges(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<Vec<Privileges>, RlsError> {
    let query = format!(
        "WITH granted AS (
           SELECT 'pg_proc'::regclass AS class, f.oid, f.proacl AS acl, f.proowner AS owner,
                  acldefault('f', f.proowner) AS by_default,
                  'ROUTINE' AS kind, f.oid::regprocedure::text AS object
           FROM pg_proc f
           WHERE f.oid < 16384
             AND f.oid <> 'pg_catalog.set_config(text, text, boolean)'::regprocedure
           UNION ALL
           SELECT 'pg_class'::regclass, c.oid, c.relacl, c.relowner, acldefault('r', c.relowner),
                  'TABLE', c.oid::regclass::text
           FROM pg_class c
           WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v')
           UNION ALL
           SELECT 'pg_namespace'::regclass, n.oid, n.nspacl, n.nspowner,
                  acldefault('n', n.nspowner), 'SCHEMA', quote_ident(n.nspname)
           FROM pg_namespace n WHERE n.nspname IN ('pg_catalog', 'information_schema')
           UNION ALL
           SELECT 'pg_foreign_server'::regclass, s.oid, s.srvacl, s.srvowner,
                  acldefault('S', s.srvowner), 'FOREIGN SERVER', quote_ident(s.srvname)
           FROM pg_foreign_server s
           UNION ALL
           SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, w.fdwacl, w.fdwowner,
                  acldefault('F', w.fdwowner), 'FOREIGN DATA WRAPPER', quote_ident(w.fdwname)
           FROM pg_foreign_data_wrapper w)
         SELECT g.kind, g.object, r.rolname::text AS grantee,
                string_agg(DISTINCT acl.privilege_type, ', ' ORDER BY acl.privilege_type)
                  AS privileges
         FROM granted g CROSS JOIN aclexplode(g.acl) acl
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         LEFT JOIN pg_init_privs i ON i.classoid = g.class AND i.objoid = g.oid AND i.objsubid = 0
         WHERE acl.grantee = ANY ({grantees}) AND acl.grantee <> g.owner
           AND (g.kind <> 'SCHEMA' OR acl.privilege_type = 'CREATE')
           AND NOT EXISTS (SELECT FROM aclexplode(coalesce(i.initprivs, g.by_default)) was
                           WHERE was.privilege_type = acl.privilege_type
                             AND was.grantee IN (0, acl.grantee))
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    );

    rows(db, query).await?.iter().map(granted).collect()
}

/// The routines that make large objects.
const LARGE: &str =
    "'{lo_creat(integer),lo_create(oid),\"lo_from_bytea(oid,bytea)\"}'::regprocedure[]";

/// Trusted languages that run a block, the routines that make large objects, parameters, and the
/// routines of the extension `dblink`, which connect elsewhere.
pub(super) async fn needless(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<Vec<Privileges>, RlsError> {
    let query = format!(
        "WITH granted AS (
           SELECT 'LANGUAGE' AS kind, quote_ident(l.lanname) AS object,
                  coalesce(l.lanacl, acldefault('l', l.lanowner)) AS acl, l.lanowner AS owner
           FROM pg_language l WHERE l.laninline <> 0 AND l.lanpltrusted
           UNION ALL
           SELECT 'ROUTINE', f.oid::regprocedure::text,
                  coalesce(f.proacl, acldefault('f', f.proowner)), f.proowner
           FROM pg_proc f WHERE f.oid = ANY ({LARGE})
           UNION ALL
           SELECT 'PARAMETER', p.parname, p.paracl, 0 FROM pg_parameter_acl p
           UNION ALL
           SELECT 'EXTENSION', f.oid::regprocedure::text,
                  coalesce(f.proacl, acldefault('f', f.proowner)), f.proowner
           FROM pg_proc f JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = f.oid
                                              AND d.deptype = 'e'
           JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'dblink')
         SELECT g.kind, string_agg(g.object, ', ' ORDER BY g.object) AS object,
                r.rolname::text AS grantee, g.privileges
         FROM (SELECT g.kind, g.object, acl.grantee,
                      string_agg(acl.privilege_type, ', ' ORDER BY acl.privilege_type) AS privileges
               FROM granted g CROSS JOIN aclexplode(g.acl) acl
               WHERE acl.grantee = ANY ({grantees}) AND acl.grantee <> g.owner
               GROUP BY g.kind, g.object, acl.grantee) g
         LEFT JOIN pg_roles r ON r.oid = g.grantee
         GROUP BY g.kind, CASE WHEN g.kind IN ('LANGUAGE', 'PARAMETER') THEN g.object END,
                  r.rolname, g.privileges
         ORDER BY 1, 2, 3"
    );

    rows(db, query).await?.iter().map(granted).collect()
}

/// The server's functions by which policies of these tables compare, and that the planner thinks to cost
/// something. It puts cheaper conditions first, and may move those of a statement to the front, if they
/// are leakproof.
pub(super) async fn dear(db: &impl ConnectionTrait, tables: &str) -> Result<Vec<String>, RlsError> {
    // No other part of the catalog tells which of the server's own functions an expression calls.
    let query = format!(
        "SELECT DISTINCT f.oid::regprocedure::text AS function
         FROM pg_policy p
         CROSS JOIN LATERAL regexp_matches(concat(p.polqual::text, p.polwithcheck::text),
                                           ':opfuncid ([0-9]+)', 'g') AS m (found)
         JOIN pg_proc f ON f.oid = m.found[1]::oid
         WHERE p.polrelid = ANY ({tables}) AND f.pronamespace = 'pg_catalog'::regnamespace
           AND f.prorettype = 'bool'::regtype AND f.procost > 0
         ORDER BY 1"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| get(row, "function"))
        .collect()
}

fn granted(row: &QueryResult) -> Result<Privileges, RlsError> {
    Ok(Privileges {
        on: get(row, "kind")?,
        object: get(row, "object")?,
        grantee: grantee(row)?,
        privileges: get(row, "privileges")?,
    })
}

/// The owner of such an object can drop it with `CASCADE`, and the policy with it.
pub(super) async fn supports(
    db: &impl ConnectionTrait,
    tables: &str,
    family: &str,
    grantees: &str,
) -> Result<Vec<Support>, RlsError> {
    let query = format!(
        "SELECT DISTINCT ON (u.kind, u.object) u.kind, u.object, u.owner::int8 AS owner,
                n.nspname::text AS schema, c.relname::text AS name, p.polname::text AS policy
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
         LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
         CROSS JOIN LATERAL (
           SELECT 'ROUTINE' AS kind, f.oid::regprocedure::text AS object, f.proowner AS owner
           FROM pg_proc f
           WHERE d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid OR f.oid = o.oprcode
           UNION ALL
           SELECT 'OPERATOR', o.oid::regoperator::text, o.oprowner WHERE o.oid IS NOT NULL
           UNION ALL
           SELECT 'TYPE', format_type(t.oid, NULL), t.typowner FROM pg_type t
           WHERE d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
           UNION ALL
           SELECT 'TABLE', r.oid::regclass::text, r.relowner FROM pg_class r
           WHERE d.refclassid = 'pg_class'::regclass AND r.oid = d.refobjid
             AND r.oid <> ALL ({family})) u
         WHERE p.polrelid = ANY ({tables}) AND u.owner = ANY ({grantees})
         ORDER BY u.kind, u.object, n.nspname, c.relname, p.polname"
    );

    let support = |row| {
        Ok(Support {
            kind: get(row, "kind")?,
            object: get(row, "object")?,
            owner: get(row, "owner")?,
            table: table(row, "schema", "name")?,
            policy: name(row, "policy")?,
        })
    };

    rows(db, query).await?.iter().map(support).collect()
}

/// The `LEAKPROOF` functions that the application's role may call. Those of the server and of
/// extensions are left out: their authors answer for them.
pub(super) async fn leakproof(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<Vec<String>, RlsError> {
    let query = format!(
        "SELECT DISTINCT f.oid::regprocedure::text AS function
         FROM pg_proc f CROSS JOIN aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
         WHERE f.proleakproof AND f.oid >= 16384 AND acl.grantee = ANY ({grantees})
           AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
                             AND e.objid = f.oid AND e.deptype = 'e')
         ORDER BY 1"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| get(row, "function"))
        .collect()
}
