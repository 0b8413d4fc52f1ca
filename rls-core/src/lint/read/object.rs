use std::collections::BTreeSet;

use sea_orm::ConnectionTrait;

use super::{get, grantee, name, rows};
use crate::error::RlsError;
use crate::lint::facts::{Definer, Oid, Publication, Rewrite, TriggerFact};

pub(super) async fn readers(db: &impl ConnectionTrait, tables: &str) -> Result<BTreeSet<(Oid, Oid)>, RlsError> {
    const STEP: &str = "pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> d.refobjid";
    const ON: &str = "d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass";
    let query = format!(
        "WITH RECURSIVE over (reader, base) AS (
           SELECT r.ev_class, d.refobjid FROM {STEP} WHERE {ON} AND d.refobjid = ANY ({tables})
           UNION
           SELECT r.ev_class, o.base FROM over o JOIN pg_depend d ON {ON} AND d.refobjid = o.reader
           JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> d.refobjid)
         SELECT reader::int8 AS reader, base::int8 AS base FROM over"
    );
    rows(db, query).await?.iter().map(|row| Ok((get(row, "reader")?, get(row, "base")?))).collect()
}

/// One row a function: where everyone may call it, that is what is told.
pub(super) async fn definers(db: &impl ConnectionTrait, grantees: &str) -> Result<Vec<Definer>, RlsError> {
    let query = format!(
        "SELECT DISTINCT ON (f.oid) f.oid::regprocedure::text AS function, n.nspname::text AS schema, f.proowner::int8 AS owner,
                o.rolname::text AS owner_name, o.rolsuper OR o.rolbypassrls AS owner_bypasses, r.rolname::text AS grantee,
                EXISTS (SELECT FROM unnest(f.proconfig) AS s (setting) WHERE s.setting LIKE 'search_path=%') AS has_search_path
         FROM pg_proc f
         CROSS JOIN aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
         JOIN pg_namespace n ON n.oid = f.pronamespace
         JOIN pg_roles o ON o.oid = f.proowner
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE f.prosecdef AND f.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
           AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND acl.grantee = ANY ({grantees})
           AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = f.oid AND e.deptype = 'e')
         ORDER BY f.oid, acl.grantee"
    );
    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            Ok(Definer {
                function: get(row, "function")?,
                schema: name(row, "schema")?,
                owner: get(row, "owner")?,
                owner_name: name(row, "owner_name")?,
                owner_bypasses: get(row, "owner_bypasses")?,
                has_search_path: get(row, "has_search_path")?,
                grantee: grantee(row)?,
            })
        })
        .collect()
}

pub(super) async fn publications(db: &impl ConnectionTrait, tables: &str) -> Result<Vec<Publication>, RlsError> {
    let query = format!(
        "SELECT p.pubname::text AS name, c.oid::int8 AS relation, r.oid IS NOT NULL AS named
         FROM pg_publication_tables t
         JOIN pg_publication p ON p.pubname = t.pubname
         JOIN pg_namespace n ON n.nspname = t.schemaname
         JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
         LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
         WHERE c.oid = ANY ({tables}) ORDER BY 1, 2"
    );
    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            Ok(Publication { name: name(row, "name")?, relation: get(row, "relation")?, named: get(row, "named")? })
        })
        .collect()
}

pub(super) async fn rewrites(db: &impl ConnectionTrait, tables: &str) -> Result<Vec<Rewrite>, RlsError> {
    let query = format!(
        "SELECT r.ev_class::int8 AS relation, r.rulename::text AS name FROM pg_rewrite r
         WHERE r.ev_class = ANY ({tables}) AND r.rulename <> '_RETURN' ORDER BY 1, 2"
    );
    let rows = rows(db, query).await?;
    rows.iter().map(|row| Ok(Rewrite { relation: get(row, "relation")?, name: name(row, "name")? })).collect()
}

pub(super) async fn triggers(db: &impl ConnectionTrait, tables: &str) -> Result<Vec<TriggerFact>, RlsError> {
    let query = format!(
        "SELECT t.tgrelid::int8 AS relation, t.tgname::text AS name, f.oid::regprocedure::text AS function,
                f.proowner::int8 AS owner, o.rolname::text AS owner_name, o.rolsuper OR o.rolbypassrls AS owner_bypasses
         FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_roles o ON o.oid = f.proowner
         WHERE t.tgrelid = ANY ({tables}) AND NOT t.tgisinternal AND f.prosecdef ORDER BY 1, 2"
    );
    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            Ok(TriggerFact {
                relation: get(row, "relation")?,
                name: name(row, "name")?,
                function: get(row, "function")?,
                owner: get(row, "owner")?,
                owner_name: name(row, "owner_name")?,
                owner_bypasses: get(row, "owner_bypasses")?,
            })
        })
        .collect()
}
