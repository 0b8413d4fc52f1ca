use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, QueryResult};

use super::{grantee, listed};
use crate::doctor::facts::{Oid, Owned, Privileges, Support};
use crate::error::RlsError;
use crate::schema::catalog::query::{get, name, rows, table};

/// An SQL condition: whether this object belongs to an extension.
fn of_extension(class: &str, object: &str) -> String {
    format!(
        "EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{class}'::regclass
                   AND e.objid = {object} AND e.deptype = 'e')"
    )
}

/// Routines `f`, and relations `c` in the schema `n` with their columns, that fit these conditions: what is
/// granted on them, and what the server grants by default. Everyone may read the views of
/// `information_schema`, which show what their reader may see; those that start with `_pg_` nobody.
fn granted_on(routines: &str, relations: &str) -> String {
    format!(
        "SELECT 'pg_proc'::regclass AS class, f.oid, 0::int2 AS sub,
                coalesce(f.proacl, acldefault('f', f.proowner)) AS acl, f.proowner AS owner,
                acldefault('f', f.proowner) AS by_default, 'ROUTINE' AS kind,
                f.oid::regprocedure::text AS object, '' AS of_column, f.prosecdef AS definer
         FROM pg_proc f WHERE {routines}
         UNION ALL
         SELECT 'pg_class'::regclass, c.oid, 0, c.relacl, c.relowner,
                CASE WHEN n.nspname = 'information_schema' AND c.relname !~ '^_pg_'
                     THEN acldefault('r', c.relowner) || makeaclitem(0, c.relowner, 'SELECT', false)
                     ELSE acldefault('r', c.relowner) END,
                'TABLE', c.oid::regclass::text, '', false
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {relations}
         UNION ALL
         SELECT 'pg_class'::regclass, c.oid, a.attnum, a.attacl, c.relowner, NULL, 'TABLE',
                c.oid::regclass::text, format(' (%I)', a.attname), false
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE a.attacl IS NOT NULL AND {relations}"
    )
}

/// What is granted, of these, beyond what a new server or the extension's script grants
/// (`pg_init_privs`), or else the defaults of the object's kind; and what fits the condition `also`.
fn beyond(granted: &str, also: &str, grantees: &str) -> String {
    format!(
        "WITH granted AS ({granted})
         SELECT g.kind, g.object, r.rolname::text AS grantee,
                string_agg(DISTINCT acl.privilege_type || g.of_column, ', '
                           ORDER BY acl.privilege_type || g.of_column) AS privileges
         FROM granted g CROSS JOIN aclexplode(g.acl) acl
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         LEFT JOIN pg_init_privs i ON i.classoid = g.class AND i.objoid = g.oid
                                      AND i.objsubid = g.sub
         WHERE acl.grantee = ANY ({grantees}) AND acl.grantee <> g.owner
           AND (g.kind <> 'SCHEMA' OR acl.privilege_type = 'CREATE')
           AND ({also} OR NOT EXISTS (
                  SELECT FROM aclexplode(coalesce(i.initprivs, g.by_default)) was
                  WHERE was.privilege_type = acl.privilege_type
                    AND was.grantee IN (0, acl.grantee)))
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
}

/// Privileges on the server's own objects, with their columns, and on foreign servers. `set_config` has
/// its own rule.
pub(super) async fn privileges(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<Vec<Privileges>, RlsError> {
    let extended = of_extension("pg_class", "c.oid");
    let system = granted_on(
        "f.oid < 16384 AND f.oid <> 'pg_catalog.set_config(text, text, boolean)'::regprocedure",
        &format!(
            "(n.nspname = 'pg_catalog' AND NOT {extended}
              OR n.nspname = 'information_schema' AND c.oid < 16384)"
        ),
    );
    let granted = format!(
        "{system}
         UNION ALL
         SELECT 'pg_namespace'::regclass, n.oid, 0, n.nspacl, n.nspowner,
                acldefault('n', n.nspowner), 'SCHEMA', quote_ident(n.nspname), '', false
         FROM pg_namespace n WHERE n.nspname IN ('pg_catalog', 'information_schema')
         UNION ALL
         SELECT 'pg_foreign_server'::regclass, s.oid, 0, s.srvacl, s.srvowner,
                acldefault('S', s.srvowner), 'FOREIGN SERVER', quote_ident(s.srvname), '', false
         FROM pg_foreign_server s
         UNION ALL
         SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 0, w.fdwacl, w.fdwowner,
                acldefault('F', w.fdwowner), 'FOREIGN DATA WRAPPER', quote_ident(w.fdwname), '',
                false
         FROM pg_foreign_data_wrapper w"
    );

    let query = beyond(&granted, "false", grantees);
    rows(db, query).await?.iter().map(granted_row).collect()
}

/// Privileges on members of extensions that their script does not grant, and on their routines that run
/// as their owner, without event triggers, which nobody calls. `dblink` has its own rule.
pub(super) async fn extended(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<Vec<Privileges>, RlsError> {
    let granted = granted_on(
        &format!(
            "f.oid >= 16384 AND f.prorettype <> 'event_trigger'::regtype AND {}",
            of_extension("pg_proc", "f.oid")
        ),
        &format!("c.oid >= 16384 AND {}", of_extension("pg_class", "c.oid")),
    );

    let query = beyond(&granted, "g.definer", grantees);
    rows(db, query).await?.iter().map(granted_row).collect()
}

/// What these roles own, except the database, schemas, and temporary objects.
pub(super) async fn owned(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<Vec<Owned>, RlsError> {
    let query = format!(
        "SELECT d.refobjid::int8 AS owner, o.type AS kind, o.identity AS object,
                CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid::int8 END AS relation
         FROM pg_shdepend d
         CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) o
         WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o'
           AND d.refobjid = ANY ({grantees})
           AND d.dbid IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()))
           AND d.classid <> ALL ('{{pg_namespace,pg_default_acl,pg_user_mapping}}'::regclass[])
           AND (d.classid <> 'pg_database'::regclass OR o.identity <> quote_ident(current_database()))
           AND coalesce(o.schema, '') !~ '^pg_temp'
         ORDER BY 1, 2, 3"
    );

    let owned = |row| {
        Ok(Owned {
            owner: get(row, "owner")?,
            kind: get(row, "kind")?,
            object: get(row, "object")?,
            relation: get(row, "relation")?,
        })
    };

    rows(db, query).await?.iter().map(owned).collect()
}

/// The routines that make large objects.
const LARGE: &str =
    "'{lo_creat(integer),lo_create(oid),\"lo_from_bytea(oid,bytea)\"}'::regprocedure[]";

/// The server's own routines, by their names, that count the rows which conditions removed and the blocks in
/// which they lie, or that show their places. A transaction can ask for its own counts, and so for those of the
/// scan in the same statement. `pg_lock_status` shows which rows a serializable transaction has read, also if a
/// policy then hid them; `currtid2` shows where the newest version of any row is.
const COUNTERS: &str = "^pg_stat_get_(xact_|db_)?(numscans|(live_|dead_)?tuples|blocks_|mod_since_|ins_since_)\
                        |^pg_stat_get_(backend_)?io$|^(pg_lock_status|currtid2)$";

/// Trusted languages that run a block, the routines that make large objects, large objects, parameters,
/// routines that count or show what policies hide, the one of `xml2` that runs any text, and the routines of
/// the extension `dblink`, which connect elsewhere.
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
           SELECT 'LARGE OBJECT', l.oid::text, l.lomacl, l.lomowner FROM pg_largeobject_metadata l
           UNION ALL
           SELECT 'PARAMETER', p.parname, p.paracl, 0 FROM pg_parameter_acl p
           UNION ALL
           SELECT 'COUNTER', f.oid::regprocedure::text,
                  coalesce(f.proacl, acldefault('f', f.proowner)), f.proowner
           FROM pg_proc f WHERE f.oid < 16384 AND f.proname ~ '{COUNTERS}'
           UNION ALL
           SELECT CASE e.extname WHEN 'dblink' THEN 'EXTENSION' WHEN 'xml2' THEN 'TEXT' ELSE 'COUNTER' END,
                  f.oid::regprocedure::text, coalesce(f.proacl, acldefault('f', f.proowner)), f.proowner
           FROM pg_proc f JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = f.oid
                                              AND d.deptype = 'e'
           JOIN pg_extension e ON e.oid = d.refobjid
           WHERE e.extname IN ('dblink', 'pgrowlocks')
              OR (e.extname, f.proname) IN (('xml2', 'xpath_table'),
                                            ('pg_stat_statements', 'pg_stat_statements')))
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

    rows(db, query).await?.iter().map(granted_row).collect()
}

/// The server's functions that policies of these tables call for each row, to compare or to convert, and
/// that the planner thinks to cost something. It puts cheaper conditions first, and may move those of a
/// statement to the front, if they are leakproof.
pub(super) async fn dear(db: &impl ConnectionTrait, tables: &str) -> Result<Vec<String>, RlsError> {
    // No other part of the catalog tells which of the server's own functions an expression calls.
    let query = format!(
        "SELECT concat(p.polqual::text, ' ', p.polwithcheck::text) AS tree
         FROM pg_policy p WHERE p.polrelid = ANY ({tables})"
    );

    let mut called = BTreeSet::new();
    for row in rows(db, query).await? {
        called.extend(called_by_row(&get::<String>(&row, "tree")?));
    }

    let query = format!(
        "SELECT f.oid::regprocedure::text AS function FROM pg_proc f
         WHERE f.oid = ANY ({}) AND f.pronamespace = 'pg_catalog'::regnamespace AND f.procost > 0
         ORDER BY 1",
        listed(&called)
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| get(row, "function"))
        .collect()
}

/// The functions that an expression calls for each row, given as the server keeps it.
fn called_by_row(tree: &str) -> BTreeSet<Oid> {
    let outside = without_subqueries(tree);
    let words: Vec<&str> = outside.split_whitespace().collect();

    words
        .windows(2)
        .filter(|pair| matches!(pair[0], ":funcid" | ":opfuncid"))
        .filter_map(|pair| pair[1].parse().ok())
        .collect()
}

/// The tree without its subqueries, which the server runs once a statement.
fn without_subqueries(tree: &str) -> String {
    let (mut rest, mut outside) = (tree, String::with_capacity(tree.len()));

    while let Some((before, subquery)) = rest.split_once(":subselect {") {
        outside.push_str(before);
        let (mut depth, mut escaped) = (1_usize, false);
        let end = subquery.find(|character| {
            match character {
                _ if escaped => {}
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            escaped = character == '\\' && !escaped;
            depth == 0
        });
        rest = end.map_or("", |end| &subquery[end + 1..]);
    }

    outside.push_str(rest);
    outside
}

fn granted_row(row: &QueryResult) -> Result<Privileges, RlsError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_subqueries_call_is_not_called_for_each_row() {
        let tree = r"{BOOLEXPR :args ({OPEXPR :opno 96 :opfuncid 65 :args ({SUBLINK :testexpr {OPEXPR
                     :opfuncid 67 :args <>} :subselect {QUERY :name a\}\{ :x {FUNCEXPR :funcid 1 :y {}}}
                     :location 3} {FUNCEXPR :funcid 401 :args <>})})}";
        assert_eq!(called_by_row(tree), BTreeSet::from([65, 67, 401]));
    }
}
