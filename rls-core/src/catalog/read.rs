use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, QueryResult};

use super::canonical::Canonical;
use super::policy::{POLICY_COLUMNS, POLICY_JOINS, policy};
use super::query::{at, checked, get, name, rows, table, text};
use super::version::{CAN_IDENTIFY, REFERS, version};
use crate::config::RlsConfig;
use crate::error::RlsError;
use crate::fingerprint;
use crate::name::{Identifier, TableName};
use crate::privilege::Privilege;
use crate::scope::{KeyType, OnDelete};
use crate::sql;
use crate::table::{Actual, ActualColumn, ActualForeignKey, ActualIndex, Held};

/// What stands under a registered name.
pub(crate) enum Relation {
    Missing,
    Other,
    Table(Box<Actual>),
}

/// Reads what the catalog holds of each table, in the same order. Locks nothing.
pub(crate) async fn read(
    db: &impl ConnectionTrait,
    tables: &[&TableName],
    config: &RlsConfig,
) -> Result<Vec<Relation>, RlsError> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = wanted(tables);
    let mut relations = Vec::with_capacity(tables.len());
    for row in rows(db, format!("{wanted}{TABLES}")).await? {
        relations.push(relation(&row)?);
    }
    for row in rows(db, format!("{wanted}{COLUMNS}")).await? {
        let column = column(&row)?;
        if let Relation::Table(table) = &mut relations[at(&row)?] {
            table.columns.insert(name(&row, "name")?, column);
        }
    }
    for (at, held) in held(db, &wanted).await? {
        if let Relation::Table(table) = &mut relations[at] {
            table.policies.insert(held.policy.name.clone(), held);
        }
    }
    for row in rows(db, format!("{wanted}{FOREIGN_KEYS}")).await? {
        let foreign_key = foreign_key(&row)?;
        if let Relation::Table(table) = &mut relations[at(&row)?] {
            table.foreign_keys.push(foreign_key);
        }
    }
    let mut last_index = None;
    for row in rows(db, format!("{wanted}{INDEXES}")).await? {
        if let Relation::Table(table) = &mut relations[at(&row)?] {
            let index: String = get(&row, "index")?;
            if last_index.replace(index.clone()) != Some(index) {
                let only = get::<Option<String>>(&row, "only")?.map(checked).transpose()?;
                let unique = get(&row, "unique")?;
                table.indexes.push(ActualIndex { columns: Vec::new(), only, unique });
            }
            let column = name(&row, "column")?;
            table.indexes.last_mut().into_iter().for_each(|index| index.columns.push(column.clone()));
        }
    }
    for row in rows(db, format!("{wanted}{}", grants(config))).await? {
        let word: String = get(&row, "privilege")?;
        if let (Relation::Table(table), Some(privilege)) = (&mut relations[at(&row)?], Privilege::from_sql(&word)) {
            table.grants.entry(name(&row, "role")?).or_default().insert(privilege);
        }
    }
    for row in rows(db, format!("{wanted}{}", sequences(config))).await? {
        let sequence = table_name(&row)?;
        if let Relation::Table(table) = &mut relations[at(&row)?] {
            let roles = table.sequences.entry(sequence).or_default();
            if let Some(role) = get::<Option<String>>(&row, "role")? {
                roles.insert(checked(role)?);
            }
        }
    }
    Ok(relations)
}

/// Reads the policies alone, with the versions of their rows, of tables that are there. Locks nothing.
pub(crate) async fn policies(
    db: &impl ConnectionTrait,
    tables: &[&TableName],
) -> Result<Vec<BTreeMap<Identifier, Held>>, RlsError> {
    let mut policies: Vec<BTreeMap<Identifier, Held>> = vec![BTreeMap::new(); tables.len()];
    if tables.is_empty() {
        return Ok(policies);
    }
    let wanted = wanted(tables);
    for (at, held) in held(db, &wanted).await? {
        policies[at].insert(held.policy.name.clone(), held);
    }
    let can_identify = rows(db, format!("SELECT {CAN_IDENTIFY} AS can_identify")).await?;
    let can_identify = can_identify.first().map_or(Ok(false), |row| get(row, "can_identify"))?;
    let query = format!(
        "{wanted}, {REFERS}
         SELECT w.at, p.polname::text AS name, {} AS version
         FROM wanted w JOIN pg_policy p ON p.polrelid = w.oid LEFT JOIN refers r ON r.\"table\" = w.oid",
        version(can_identify)
    );
    for row in rows(db, query).await? {
        if let Some(held) = policies[at(&row)?].get_mut(&name(&row, "name")?) {
            held.version = get::<Option<String>>(&row, "version")?.as_deref().map(fingerprint::version);
        }
    }
    Ok(policies)
}

async fn held(db: &impl ConnectionTrait, wanted: &str) -> Result<Vec<(usize, Held)>, RlsError> {
    let query = format!(
        "{wanted}SELECT w.at, {POLICY_COLUMNS} FROM wanted w JOIN pg_policy p ON p.polrelid = w.oid {POLICY_JOINS}"
    );
    rows(db, query).await?.iter().map(|row| Ok((at(row)?, policy(row)?))).collect()
}

/// The tables with policies whose second fingerprint is pending.
pub(crate) async fn pending(db: &impl ConnectionTrait) -> Result<Vec<TableName>, RlsError> {
    let pattern = sql::literal(fingerprint::PENDING_PATTERN).unwrap_or_else(|| unreachable!("a constant without NUL"));
    let query = format!(
        "SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS \"table\"
         FROM pg_policy p {POLICY_JOINS}
         JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE t.description ~ {pattern}"
    );
    rows(db, query).await?.iter().map(table_name).collect()
}

/// The tables of the schemas of `tables` that have row security, or policies, and are not among them.
pub(crate) async fn others(db: &impl ConnectionTrait, tables: &[&TableName]) -> Result<Vec<TableName>, RlsError> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let query = format!(
        "{}SELECT n.nspname::text AS schema, c.relname::text AS \"table\"
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace IN (SELECT w.relnamespace FROM wanted w)
           AND (c.relrowsecurity OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))
           AND NOT EXISTS (SELECT FROM wanted w WHERE w.oid = c.oid)
         ORDER BY n.nspname, c.relname",
        wanted(tables)
    );
    rows(db, query).await?.iter().map(table_name).collect()
}

/// `WITH wanted (at, oid, …) AS (…)` over the tables.
fn wanted(tables: &[&TableName]) -> String {
    let values: Vec<String> = tables
        .iter()
        .enumerate()
        .map(|(at, table)| {
            let schema = table.schema.as_ref().map_or_else(|| "NULL".to_owned(), text);
            format!("({at}, {schema}, {})", text(&table.table))
        })
        .collect();
    format!(
        "WITH wanted AS (
           SELECT v.at, c.oid, c.relkind, c.relnamespace, c.relrowsecurity, c.relforcerowsecurity, c.relacl
           FROM (VALUES {}) AS v (at, schema, name)
           LEFT JOIN pg_namespace n ON n.nspname = v.schema
           LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name) ",
        values.join(", ")
    )
}

const TABLES: &str = "
SELECT w.at, w.relkind::text AS relkind, w.relrowsecurity AS enabled, w.relforcerowsecurity AS forced
FROM wanted w
ORDER BY w.at";

fn relation(row: &QueryResult) -> Result<Relation, RlsError> {
    match get::<Option<String>>(row, "relkind")?.as_deref() {
        None => return Ok(Relation::Missing),
        Some("r" | "p") => {}
        Some(_) => return Ok(Relation::Other),
    }
    Ok(Relation::Table(Box::new(Actual {
        enabled: get(row, "enabled")?,
        forced: get(row, "forced")?,
        policies: BTreeMap::new(),
        columns: BTreeMap::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        grants: BTreeMap::new(),
        sequences: BTreeMap::new(),
    })))
}

const COLUMNS: &str = "
SELECT w.at, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       a.atttypid::regtype::text AS base_type, a.attnotnull AS not_null,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default
FROM wanted w
JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = w.oid AND d.adnum = a.attnum
ORDER BY w.at, a.attnum";

fn column(row: &QueryResult) -> Result<ActualColumn, RlsError> {
    Ok(ActualColumn {
        sql_type: get(row, "type")?,
        key: key(&get::<String>(row, "base_type")?),
        not_null: get(row, "not_null")?,
        default: get::<Option<String>>(row, "default")?.map(Canonical::printed),
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

const FOREIGN_KEYS: &str = "
SELECT w.at, k.conname::text AS name, f.attname::text AS from, n.nspname::text AS schema, c.relname::text AS \"table\",
       a.attname::text AS column, k.confdeltype::text AS on_delete, k.convalidated AS validated,
       pg_get_constraintdef(k.oid) AS definition
FROM wanted w
JOIN pg_constraint k ON k.conrelid = w.oid AND k.contype = 'f' AND cardinality(k.conkey) = 1
JOIN pg_attribute f ON f.attrelid = w.oid AND f.attnum = k.conkey[1]
JOIN pg_class c ON c.oid = k.confrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = k.confkey[1]
ORDER BY w.at, k.conname";

fn foreign_key(row: &QueryResult) -> Result<ActualForeignKey, RlsError> {
    let on_delete: String = get(row, "on_delete")?;
    Ok(ActualForeignKey {
        name: name(row, "name")?,
        column: name(row, "from")?,
        table: table_name(row)?,
        parent_column: name(row, "column")?,
        on_delete: match on_delete.as_str() {
            "a" => Some(OnDelete::NoAction),
            "r" => Some(OnDelete::Restrict),
            "c" => Some(OnDelete::Cascade),
            _ => None,
        },
        validated: get(row, "validated")?,
        definition: get(row, "definition")?,
    })
}

/// One row a column; an index on an expression does not serve, nor an invalid one, nor a partial one but over the rows
/// where a boolean column is true.
const INDEXES: &str = "
SELECT w.at, i.indexrelid::text AS index, a.attname::text AS column, o.attname::text AS only,
       i.indisunique AND i.indimmediate AS unique
FROM wanted w
JOIN pg_index i ON i.indrelid = w.oid AND i.indisvalid
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum = k.attnum
LEFT JOIN pg_attribute o ON o.attrelid = w.oid AND quote_ident(o.attname) = pg_get_expr(i.indpred, i.indrelid)
WHERE k.position <= i.indnkeyatts
  AND 0 <> ALL (i.indkey::int2[])
  AND (i.indpred IS NULL OR o.attname IS NOT NULL)
ORDER BY w.at, i.indexrelid, k.position";

fn grants(config: &RlsConfig) -> String {
    format!(
        "SELECT w.at, r.rolname::text AS role, acl.privilege_type AS privilege
         FROM wanted w, aclexplode(w.relacl) acl JOIN pg_roles r ON r.oid = acl.grantee
         WHERE r.rolname IN ({}, {})",
        text(config.app_role()),
        text(config.admin_role())
    )
}

/// The sequences that columns of the tables own, with the roles that may use them: `a` is a serial column's,
/// `i` an identity column's.
fn sequences(config: &RlsConfig) -> String {
    format!(
        "SELECT w.at, n.nspname::text AS schema, s.relname::text AS \"table\", u.role
         FROM wanted w
         JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = w.oid AND d.refobjsubid > 0
                             AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
         JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
         JOIN pg_namespace n ON n.oid = s.relnamespace
         LEFT JOIN LATERAL (
           SELECT r.rolname::text AS role FROM aclexplode(s.relacl) acl JOIN pg_roles r ON r.oid = acl.grantee
           WHERE acl.privilege_type = 'USAGE' AND r.rolname IN ({}, {})) u ON true
         ORDER BY w.at, n.nspname, s.relname",
        text(config.app_role()),
        text(config.admin_role())
    )
}

fn table_name(row: &QueryResult) -> Result<TableName, RlsError> {
    table(row, "schema", "table")
}
