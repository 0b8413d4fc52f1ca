//! The queries for a table's rows in the catalog, and the reading of each row. Each query is over
//! `named`, of `read.rs`.

use sea_orm::QueryResult;

use super::query::{checked, get, name, table, text};
use crate::config::RlsConfig;
use crate::error::RlsError;
use crate::model::key::{KeyType, OnDelete};
use crate::model::policy::Canonical;
use crate::name::{Identifier, TableName};
use crate::schema::snapshot::Relation;
use crate::schema::table::{ActualColumn, ActualForeignKey, ActualTable, Generated, KeyClauses};

pub(super) const TABLES: &str = "
SELECT w.at, w.relkind::text AS relkind, w.relrowsecurity AS enabled, w.relforcerowsecurity AS \
forced,
       CASE w.relkind WHEN 'r' THEN pg_relation_size(w.oid) > 0
         WHEN 'p' THEN EXISTS (SELECT FROM pg_partition_tree(w.oid) p
                               WHERE pg_relation_size(p.relid) > 0)
       END AS has_rows
FROM named w
ORDER BY w.at";

/// `None` if nothing has the name.
pub(super) fn relation(row: &QueryResult) -> Result<Option<Relation>, RlsError> {
    match get::<Option<String>>(row, "relkind")?.as_deref() {
        None => return Ok(None),
        Some("r" | "p") => {}
        Some(_) => return Ok(Some(Relation::Other)),
    }

    Ok(Some(Relation::Table(Box::new(ActualTable {
        enabled: get(row, "enabled")?,
        forced: get(row, "forced")?,
        has_rows: get::<Option<bool>>(row, "has_rows")?.unwrap_or_default(),
        ..ActualTable::default()
    }))))
}

/// Of column `a`: the `NOT NULL` constraint that is `NOT VALID`, which can be since PostgreSQL 18.
pub(crate) const UNPROVEN: &str = "(SELECT u.conname::text FROM pg_constraint u
   WHERE u.conrelid = a.attrelid AND u.contype = 'n' AND u.conkey = ARRAY[a.attnum] AND NOT \
   u.convalidated)";

pub(super) fn columns() -> String {
    format!(
        "SELECT w.at, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
                a.atttypid::regtype::text AS base_type, a.attnotnull AS not_null, {UNPROVEN} AS \
                unproven,
                a.attgenerated::text AS generated,
                CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default
         FROM named w
         JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
         LEFT JOIN pg_attrdef d ON d.adrelid = w.oid AND d.adnum = a.attnum
         ORDER BY w.at, a.attnum"
    )
}

pub(super) fn column(row: &QueryResult) -> Result<ActualColumn, RlsError> {
    Ok(ActualColumn {
        sql_type: get(row, "type")?,
        key: key(&get::<String>(row, "base_type")?),
        not_null: get(row, "not_null")?,
        unproven: get::<Option<String>>(row, "unproven")?
            .map(checked)
            .transpose()?,
        default: get::<Option<String>>(row, "default")?.map(Canonical::printed),
        generated: match get::<String>(row, "generated")?.as_str() {
            "" => None,
            "v" => Some(Generated::Virtual),
            _ => Some(Generated::Stored),
        },
    })
}

fn key(base_type: &str) -> Option<KeyType> {
    match base_type {
        "uuid" => Some(KeyType::Uuid),
        "integer" => Some(KeyType::Integer),
        "bigint" => Some(KeyType::BigInteger),
        "text" | "character varying" => Some(KeyType::Text),
        _ => None,
    }
}

/// Of constraint `k`: whether the server enforces it; `NOT ENFORCED` can be since PostgreSQL 18.
pub(crate) const ENFORCED: &str = "coalesce((to_jsonb(k)->>'conenforced')::bool, true)";

/// An inherited foreign key counts as enforced: its parent's is looked at.
pub(super) fn foreign_keys() -> String {
    const MATCH: &str = "CASE k.confmatchtype WHEN 'f' THEN ' MATCH FULL' ELSE '' END";
    let (on_update, on_delete) = (action("k.confupdtype"), action("k.confdeltype"));
    let (from, to) = (
        key_columns("conrelid", "conkey"),
        key_columns("confrelid", "confkey"),
    );

    format!(
        "SELECT w.at, k.conname::text AS name, {from} AS from, n.nspname::text AS schema,
                c.relname::text AS \"table\", {to} AS to, k.confdeltype::text AS on_delete,
                k.convalidated AS validated, k.conparentid <> 0 OR {ENFORCED} AS enforced,
                {MATCH} || CASE k.confupdtype WHEN 'a' THEN '' ELSE ' ON UPDATE ' || {on_update} \
                END AS before,
                {on_delete} AS action,
                CASE WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END
                  || CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END AS after,
                pg_get_constraintdef(k.oid) AS definition
         FROM named w
         JOIN pg_constraint k ON k.conrelid = w.oid AND k.contype = 'f'
         JOIN pg_class c ON c.oid = k.confrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         ORDER BY w.at, k.conname"
    )
}

/// The names of the columns of constraint `k`, of which `numbers` are the numbers in `table`.
pub(crate) fn key_columns(table: &str, numbers: &str) -> String {
    format!(
        "ARRAY(SELECT a.attname::text FROM unnest(k.{numbers}) WITH ORDINALITY AS u (num, at)
               JOIN pg_attribute a ON a.attrelid = k.{table} AND a.attnum = u.num ORDER BY u.at)"
    )
}

pub(super) fn foreign_key(row: &QueryResult) -> Result<ActualForeignKey, RlsError> {
    Ok(ActualForeignKey {
        name: name(row, "name")?,
        columns: names(row, "from")?,
        table: table_name(row)?,
        parent_columns: names(row, "to")?,
        on_delete: on_delete(&get::<String>(row, "on_delete")?),
        validated: get(row, "validated")?,
        enforced: get(row, "enforced")?,
        clauses: KeyClauses {
            before: get(row, "before")?,
            on_delete: get(row, "action")?,
            after: get(row, "after")?,
        },
        definition: get(row, "definition")?,
    })
}

fn names(row: &QueryResult, column: &str) -> Result<Vec<Identifier>, RlsError> {
    let names: Vec<String> = get(row, column)?;
    names.into_iter().map(checked).collect()
}

/// The words of an action, which the catalog has as one letter.
fn action(column: &str) -> String {
    format!(
        "CASE {column} WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL'
           WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END"
    )
}

/// Reads `confdeltype`; `None` for an action that no entity can name.
pub(crate) fn on_delete(code: &str) -> Option<OnDelete> {
    match code {
        "a" => Some(OnDelete::NoAction),
        "r" => Some(OnDelete::Restrict),
        "c" => Some(OnDelete::Cascade),
        _ => None,
    }
}

/// One row for each column of an index before its first expression. Left out are invalid indexes,
/// and partial ones with another predicate than a boolean column.
pub(super) const INDEXES: &str = "
SELECT w.at, i.indexrelid::text AS index, a.attname::text AS column, o.attname::text AS only,
       i.indisunique AND i.indimmediate AND 0 <> ALL (i.indkey::int2[]) AS unique
FROM named w
JOIN pg_index i ON i.indrelid = w.oid AND i.indisvalid
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum = k.attnum
LEFT JOIN pg_attribute o ON o.attrelid = w.oid AND quote_ident(o.attname) = pg_get_expr(i.indpred, \
i.indrelid)
WHERE k.position <= i.indnkeyatts
  AND 0 <> ALL ((i.indkey::int2[])[0:(k.position - 1)::int4])
  AND (i.indpred IS NULL OR o.attname IS NOT NULL)
ORDER BY w.at, i.indexrelid, k.position";

pub(super) fn grants(config: &RlsConfig) -> String {
    format!(
        "SELECT w.at, r.rolname::text AS role, g.column::text AS column,
                acl.privilege_type AS privilege
         FROM named w
         CROSS JOIN LATERAL (
           SELECT w.relacl AS acl, NULL::name AS column
           UNION ALL
           SELECT a.attacl, a.attname FROM pg_attribute a
           WHERE a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
             AND a.attacl IS NOT NULL) g
         CROSS JOIN LATERAL aclexplode(g.acl) acl
         JOIN pg_roles r ON r.oid = acl.grantee
         WHERE r.rolname IN ({}, {})",
        text(config.app_role()),
        text(config.admin_role())
    )
}

/// The sequences that columns of the tables own, with the roles that may use them: `a` is a serial
/// column's, `i` an identity column's.
pub(super) fn sequences(config: &RlsConfig) -> String {
    format!(
        "SELECT w.at, n.nspname::text AS schema, s.relname::text AS \"table\", u.role
         FROM named w
         JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = w.oid AND \
         d.refobjsubid > 0
                             AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
         JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
         JOIN pg_namespace n ON n.oid = s.relnamespace
         LEFT JOIN LATERAL (
           SELECT r.rolname::text AS role FROM aclexplode(s.relacl) acl JOIN pg_roles r ON r.oid = \
           acl.grantee
           WHERE acl.privilege_type = 'USAGE' AND r.rolname IN ({}, {})) u ON true
         ORDER BY w.at, n.nspname, s.relname",
        text(config.app_role()),
        text(config.admin_role())
    )
}

pub(super) fn table_name(row: &QueryResult) -> Result<TableName, RlsError> {
    table(row, "schema", "table")
}
