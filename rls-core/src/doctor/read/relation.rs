use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ConnectionTrait;

use super::{grantee, maybe_name};
use crate::doctor::facts::{Grant, Inheritance, Kind, Oid, Relation};
use crate::error::RlsError;
use crate::schema::catalog::query::{get, name, rows, table};
use crate::schema::render::AUDIT_COLUMNS;

pub(super) async fn relations(
    db: &impl ConnectionTrait,
    past: &str,
) -> Result<BTreeMap<Oid, Relation>, RlsError> {
    let query = format!(
        "
        SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name,
               c.relkind::text AS kind, c.relrowsecurity AS enabled,
               c.relforcerowsecurity AS forced, c.relowner::int8 AS owner,
               o.rolname::text AS owner_name, {past} AS owner_bypasses,
               c.relpersistence = 'u' AS unlogged, c.relkind = 'p' AS partitioned, s.serves,
               coalesce(x.invoker, false) AS invoker, e.objid IS NOT NULL AS of_extension
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_roles o ON o.oid = c.relowner
        LEFT JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid
                                 AND e.objsubid = 0 AND e.deptype = 'e'
        LEFT JOIN LATERAL (
          SELECT bool_or(CASE WHEN v.option_name = 'security_invoker'
                              THEN v.option_value::boolean END) AS invoker
          FROM pg_options_to_table(c.reloptions) v) x ON c.relkind = 'v'
        LEFT JOIN LATERAL (
          SELECT d.refobjid::int8 AS serves FROM pg_depend d
          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
            AND d.refobjsubid > 0 LIMIT 1) s ON c.relkind = 'S'
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
          AND (n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
               OR c.oid >= 16384 AND e.objid IS NULL
                  AND n.nspname IN ('pg_catalog', 'information_schema'))"
    );

    let mut relations = BTreeMap::new();
    for row in rows(db, query).await? {
        let kind = match get::<String>(&row, "kind")?.as_str() {
            "v" => Kind::View,
            "m" => Kind::MaterializedView,
            "S" => Kind::Sequence,
            "f" => Kind::Foreign,
            _ => Kind::Table,
        };

        let relation = Relation {
            name: table(&row, "schema", "name")?,
            kind,
            enabled: get(&row, "enabled")?,
            forced: get(&row, "forced")?,
            owner: get(&row, "owner")?,
            owner_name: name(&row, "owner_name")?,
            owner_bypasses: get(&row, "owner_bypasses")?,
            invoker: get(&row, "invoker")?,
            of_extension: get(&row, "of_extension")?,
            partitioned: get(&row, "partitioned")?,
            unlogged: get(&row, "unlogged")?,
            serves: get(&row, "serves")?,
        };

        relations.insert(get(&row, "oid")?, relation);
    }

    Ok(relations)
}

pub(super) async fn grants(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<Vec<(Oid, Grant)>, RlsError> {
    let query = format!(
        "SELECT g.relation::int8 AS relation, g.column, r.rolname::text AS grantee, g.privilege
         FROM (
           SELECT c.oid AS relation, NULL::text AS column, acl.grantee,
                  acl.privilege_type AS privilege
           FROM pg_class c CROSS JOIN aclexplode(c.relacl) acl
           WHERE acl.grantee <> c.relowner
           UNION ALL
           SELECT a.attrelid, a.attname::text, acl.grantee, acl.privilege_type
           FROM pg_attribute a CROSS JOIN aclexplode(a.attacl) acl) g
         LEFT JOIN pg_roles r ON r.oid = g.grantee
         WHERE g.grantee = ANY ({grantees})
         ORDER BY 1, 2, 3, 4"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            let grant = Grant {
                column: maybe_name(row, "column")?,
                grantee: grantee(row)?,
                privilege: get(row, "privilege")?,
            };
            Ok((get(row, "relation")?, grant))
        })
        .collect()
}

/// The tables that have all columns of the audit's table.
pub(super) async fn audits(db: &impl ConnectionTrait) -> Result<BTreeSet<Oid>, RlsError> {
    let names = AUDIT_COLUMNS.map(|column| format!("'{}'", column.name));
    let query = format!(
        "SELECT a.attrelid::int8 AS relation FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT a.attisdropped
           AND a.attname IN ({})
         GROUP BY a.attrelid HAVING count(*) = {}",
        names.join(", "),
        names.len()
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| get(row, "relation"))
        .collect()
}

pub(super) async fn inheritance(db: &impl ConnectionTrait) -> Result<Inheritance, RlsError> {
    const QUERY: &str =
        "SELECT i.inhrelid::int8 AS child, i.inhparent::int8 AS parent FROM pg_inherits i";

    let mut inheritance = Inheritance::default();
    for row in rows(db, QUERY.to_owned()).await? {
        inheritance.insert(get(&row, "child")?, get(&row, "parent")?);
    }

    Ok(inheritance)
}
