use std::collections::BTreeSet;

use sea_orm::ConnectionTrait;

use super::grantee;
use crate::doctor::facts::{
    Carrier, CarrierKind, Definer, Oid, Publication, Rewrite, Temporary, TriggerFact,
};
use crate::error::RlsError;
use crate::model::context_domain::{ContextDomain, PREFIX};
use crate::name::Identifier;
use crate::schema::catalog::query::{get, name, rows, table, text};

pub(super) async fn readers(
    db: &impl ConnectionTrait,
    tables: &str,
) -> Result<BTreeSet<(Oid, Oid)>, RlsError> {
    const STEP: &str =
        "pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> d.refobjid";

    const ON: &str = "d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass";

    let query = format!(
        "WITH RECURSIVE over (reader, base) AS (
           SELECT r.ev_class, d.refobjid FROM {STEP} WHERE {ON} AND d.refobjid = ANY ({tables})
           UNION
           SELECT r.ev_class, o.base FROM over o JOIN pg_depend d ON {ON} AND d.refobjid = o.reader
           JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> d.refobjid)
         SELECT reader::int8 AS reader, base::int8 AS base FROM over"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| Ok((get(row, "reader")?, get(row, "base")?)))
        .collect()
}

/// An SQL condition: whether the function `f` resolves names in schemas that its caller cannot
/// choose. Its `search_path` is empty, or ends with `pg_temp` after another schema: `pg_temp` is
/// searched first if it is not named (`src/backend/catalog/namespace.c`).
const FIXED_PATH: &str = "EXISTS (SELECT FROM unnest(f.proconfig) AS s (setting)
             WHERE s.setting IN ('search_path=', 'search_path=\"\"')
                OR s.setting ~ '^search_path=.+, *\"?pg_temp\"?$' AND s.setting !~ '\\mpg_temp\\M.*,')";

/// One row a function, with `PUBLIC` before any role. A view, a default, an operator or a cast calls a
/// function without `USAGE` on its schema. An aggregate calls its functions by a privilege of the
/// aggregate's owner.
pub(super) async fn definers(
    db: &impl ConnectionTrait,
    grantees: &str,
    past: &str,
) -> Result<Vec<Definer>, RlsError> {
    let query = format!(
        "SELECT DISTINCT ON (f.oid) f.oid::regprocedure::text AS function, n.nspname::text AS schema,
                f.proowner::int8 AS owner, o.rolname::text AS owner_name, {past} AS owner_bypasses,
                r.rolname::text AS grantee, {FIXED_PATH} AS fixed_path,
                c.oid::regprocedure::text AS called, co.rolname::text AS called_owner
         FROM pg_proc f
         LEFT JOIN pg_aggregate a
           ON f.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
                        a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
         JOIN pg_proc c ON c.oid IN (f.oid, a.aggfnoid)
         CROSS JOIN aclexplode(coalesce(c.proacl, acldefault('f', c.proowner))) acl
         JOIN pg_namespace n ON n.oid = f.pronamespace
         JOIN pg_roles o ON o.oid = f.proowner
         JOIN pg_roles co ON co.oid = c.proowner
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE f.prosecdef AND f.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
           AND (n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                OR f.oid >= 16384 AND n.nspname IN ('pg_catalog', 'information_schema'))
           AND acl.grantee = ANY ({grantees})
           AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
                             AND e.objid = f.oid AND e.deptype = 'e')
         ORDER BY f.oid, c.oid <> f.oid, c.oid, acl.grantee"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            Ok(Definer {
                function: get(row, "function")?,
                called: get(row, "called")?,
                called_owner: name(row, "called_owner")?,
                schema: name(row, "schema")?,
                owner: get(row, "owner")?,
                owner_name: name(row, "owner_name")?,
                owner_bypasses: get(row, "owner_bypasses")?,
                fixed_path: get(row, "fixed_path")?,
                grantee: grantee(row)?,
            })
        })
        .collect()
}

/// The domains in the schema of the audit table that have the names of those that carry contexts,
/// and the function of the one that records.
pub(super) async fn carriers(
    db: &impl ConnectionTrait,
    schema: &Identifier,
) -> Result<Vec<Carrier>, RlsError> {
    let query = format!(
        "SELECT c.is_domain, c.owner::int8 AS owner, n.nspname::text AS schema, c.name::text AS name
         FROM pg_namespace n CROSS JOIN LATERAL (
           SELECT true AS is_domain, t.typowner AS owner, t.typname AS name FROM pg_type t
           WHERE t.typnamespace = n.oid AND t.typtype = 'd' AND starts_with(t.typname, '{PREFIX}_')
           UNION ALL
           SELECT false, f.proowner, f.proname FROM pg_proc f
           WHERE f.pronamespace = n.oid AND f.proname = {} AND f.pronargs = 1
             AND f.proargtypes[0] = 'text'::regtype) c
         WHERE n.nspname = {} ORDER BY c.is_domain DESC, c.name",
        text(&ContextDomain::Record.name()),
        text(schema)
    );

    let carrier = |row| {
        let kind = if get(row, "is_domain")? {
            CarrierKind::Domain
        } else {
            CarrierKind::Function
        };

        Ok(Carrier {
            kind,
            name: table(row, "schema", "name")?,
            owner: get(row, "owner")?,
        })
    };

    rows(db, query).await?.iter().map(carrier).collect()
}

pub(super) async fn publications(
    db: &impl ConnectionTrait,
    family: &str,
) -> Result<Vec<Publication>, RlsError> {
    let query = format!(
        "SELECT p.pubname::text AS name, pg_get_userbyid(p.pubowner)::text AS owner_name,
                c.oid::int8 AS relation, r.oid IS NOT NULL AS named
         FROM pg_publication_tables t
         JOIN pg_publication p ON p.pubname = t.pubname
         JOIN pg_namespace n ON n.nspname = t.schemaname
         JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
         LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
         WHERE c.oid = ANY ({family})
         UNION
         SELECT p.pubname::text, pg_get_userbyid(p.pubowner)::text, r.prrelid::int8, true
         FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
         WHERE r.prrelid = ANY ({family})
         ORDER BY 1, 3"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            Ok(Publication {
                name: name(row, "name")?,
                owner_name: name(row, "owner_name")?,
                relation: get(row, "relation")?,
                named: get(row, "named")?,
            })
        })
        .collect()
}

pub(super) async fn rewrites(db: &impl ConnectionTrait) -> Result<Vec<Rewrite>, RlsError> {
    const QUERY: &str =
        "SELECT r.ev_class::int8 AS relation, r.rulename::text AS name FROM pg_rewrite r
        WHERE r.rulename <> '_RETURN' AND r.oid >= 16384 ORDER BY 1, 2";

    let rows = rows(db, QUERY.to_owned()).await?;

    rows.iter()
        .map(|row| {
            Ok(Rewrite {
                relation: get(row, "relation")?,
                name: name(row, "name")?,
            })
        })
        .collect()
}

/// The triggers of constraints are left out, and those that a partition has from its parent.
pub(super) async fn triggers(
    db: &impl ConnectionTrait,
    tables: &str,
    past: &str,
) -> Result<Vec<TriggerFact>, RlsError> {
    let query = format!(
        "SELECT t.tgrelid::int8 AS relation, t.tgname::text AS name,
                f.oid::regprocedure::text AS function, f.proowner::int8 AS owner,
                o.rolname::text AS owner_name, {past} AS owner_bypasses,
                n.nspname::text AS schema, f.prosecdef AS definer, {FIXED_PATH} AS fixed_path
         FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
         JOIN pg_namespace n ON n.oid = f.pronamespace
         JOIN pg_roles o ON o.oid = f.proowner
         WHERE NOT t.tgisinternal
           AND (t.tgrelid = ANY ({tables}) OR f.prosecdef AND t.tgparentid = 0
                AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
                                  AND e.objid = f.oid AND e.deptype = 'e'))
         ORDER BY 1, 2"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            Ok(TriggerFact {
                relation: get(row, "relation")?,
                name: name(row, "name")?,
                function: get(row, "function")?,
                schema: name(row, "schema")?,
                definer: get(row, "definer")?,
                owner: get(row, "owner")?,
                owner_name: name(row, "owner_name")?,
                owner_bypasses: get(row, "owner_bypasses")?,
                fixed_path: get(row, "fixed_path")?,
            })
        })
        .collect()
}

/// The catalog has those of other sessions too.
pub(super) async fn temporary(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<Vec<Temporary>, RlsError> {
    let query = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind = 'v' AS is_view
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relpersistence = 't' AND c.relkind IN ('r', 'p', 'v')
           AND c.relowner = ANY ({grantees})
         ORDER BY 1, 2"
    );

    let rows = rows(db, query).await?;
    let temporary = |row| {
        Ok(Temporary {
            schema: name(row, "schema")?,
            name: name(row, "name")?,
            is_view: get(row, "is_view")?,
        })
    };

    rows.iter().map(temporary).collect()
}
