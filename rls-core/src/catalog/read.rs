use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, QueryResult};

use super::canonical::Canonical;
use super::query::{at, checked, get, name, rows, table, text};
use crate::config::RlsConfig;
use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, TableName};
use crate::policy::{Command, Policy, PolicyKind};
use crate::scope::{KeyType, OnDelete};
use crate::table::{Actual, ActualColumn, ActualForeignKey, Desired, Privilege, TableRls};

/// What stands under a registered name.
pub(crate) enum Relation {
    Missing,
    Other,
    Table(Box<Actual<Canonical>>),
}

/// Reads what the catalog holds of each table, in the same order. Locks nothing.
pub(crate) async fn read(
    db: &impl ConnectionTrait,
    desired: &[Desired],
    config: &RlsConfig,
) -> Result<Vec<Relation>, RlsError> {
    let wanted = wanted(desired);
    let mut relations = Vec::with_capacity(desired.len());
    for row in rows(db, format!("{wanted}{TABLES}")).await? {
        relations.push(relation(&row)?);
    }
    for row in rows(db, format!("{wanted}SELECT w.at, {POLICY_COLUMNS} {OF_WANTED}")).await? {
        let policy = policy(&row)?;
        if let Relation::Table(table) = &mut relations[at(&row)?] {
            table.rls.policies.insert(policy.name.clone(), policy);
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
                table.indexes.push(Vec::new());
            }
            let column = name(&row, "column")?;
            table.indexes.last_mut().into_iter().for_each(|columns| columns.push(column.clone()));
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

/// The `(schema, role)` pairs that have `USAGE` by a grant of their own.
pub(crate) async fn schema_usage(db: &impl ConnectionTrait) -> Result<BTreeSet<(Identifier, Identifier)>, RlsError> {
    const QUERY: &str = "SELECT n.nspname::text AS schema, r.rolname::text AS role
        FROM pg_namespace n, aclexplode(n.nspacl) acl JOIN pg_roles r ON r.oid = acl.grantee
        WHERE acl.privilege_type = 'USAGE'";
    let rows = rows(db, QUERY.to_owned()).await?;
    rows.iter().map(|row| Ok((name(row, "schema")?, name(row, "role")?))).collect()
}

/// `WITH wanted (at, oid, relkind, owner, attnum) AS (…)` over the registered tables.
fn wanted(desired: &[Desired]) -> String {
    let values: Vec<String> = desired
        .iter()
        .enumerate()
        .map(|(at, desired)| {
            let schema = desired.table.schema.as_ref().map_or_else(|| "NULL".to_owned(), text);
            format!("({at}, {schema}, {}, {})", text(&desired.table.table), text(&desired.owner))
        })
        .collect();
    format!(
        "WITH wanted AS (
           SELECT v.at, c.oid, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relacl, c.relowner, a.attnum
           FROM (VALUES {}) AS v (at, schema, name, owner)
           LEFT JOIN pg_namespace n ON n.nspname = v.schema
           LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name
           LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = v.owner AND a.attnum > 0
                                       AND NOT a.attisdropped) ",
        values.join(", ")
    )
}

const TABLES: &str = "
SELECT w.at, w.relkind::text AS relkind, w.relrowsecurity AS enabled, w.relforcerowsecurity AS forced,
       format_type(a.atttypid, a.atttypmod) AS type, a.atttypid::regtype::text AS base_type,
       a.attnotnull AS not_null,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default
FROM wanted w
LEFT JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum = w.attnum
LEFT JOIN pg_attrdef d ON d.adrelid = w.oid AND d.adnum = w.attnum
ORDER BY w.at";

fn relation(row: &QueryResult) -> Result<Relation, RlsError> {
    match get::<Option<String>>(row, "relkind")?.as_deref() {
        None => return Ok(Relation::Missing),
        Some("r" | "p") => {}
        Some(_) => return Ok(Relation::Other),
    }
    let column = match get::<Option<String>>(row, "type")? {
        Some(sql_type) => Some(ActualColumn {
            sql_type,
            key: key(&get::<String>(row, "base_type")?),
            not_null: get(row, "not_null")?,
        }),
        None => None,
    };
    Ok(Relation::Table(Box::new(Actual {
        rls: TableRls {
            enabled: get(row, "enabled")?,
            forced: get(row, "forced")?,
            policies: BTreeMap::new(),
            default: get::<Option<String>>(row, "default")?.map(Canonical::printed),
        },
        column,
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        grants: BTreeMap::new(),
        sequences: BTreeMap::new(),
    })))
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

/// What [`policy`] reads, of `pg_policy p`.
pub(super) const POLICY_COLUMNS: &str = "
       p.polname::text AS name, p.polpermissive AS permissive, p.polcmd::text AS command,
       (SELECT string_agg(r.rolname, E'\\n') FROM pg_roles r WHERE r.oid = ANY (p.polroles)) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS \"using\", pg_get_expr(p.polwithcheck, p.polrelid) AS with_check";

const OF_WANTED: &str = "FROM wanted w JOIN pg_policy p ON p.polrelid = w.oid";

/// A policy as the catalog holds it. Roles come one a line; a name with a line break in it would only make the
/// policy look changed.
pub(super) fn policy(row: &QueryResult) -> Result<Policy<Canonical>, RlsError> {
    let command: String = get(row, "command")?;
    let roles = get::<Option<String>>(row, "roles")?.unwrap_or_default();
    Ok(Policy {
        name: name(row, "name")?,
        kind: if get(row, "permissive")? { PolicyKind::Permissive } else { PolicyKind::Restrictive },
        command: match command.as_str() {
            "*" => Command::All,
            "r" => Command::Select,
            "a" => Command::Insert,
            "w" => Command::Update,
            "d" => Command::Delete,
            _ => return Err(SchemaError::Catalog { what: format!("policy command {command:?}") }.into()),
        },
        roles: roles.lines().map(|role| checked(role.to_owned())).collect::<Result<_, _>>()?,
        using: get::<Option<String>>(row, "using")?.map(Canonical::printed),
        with_check: get::<Option<String>>(row, "with_check")?.map(Canonical::printed),
    })
}

const FOREIGN_KEYS: &str = "
SELECT w.at, k.conname::text AS name, n.nspname::text AS schema, c.relname::text AS \"table\",
       a.attname::text AS column, k.confdeltype::text AS on_delete
FROM wanted w
JOIN pg_constraint k ON k.conrelid = w.oid AND k.contype = 'f' AND k.conkey = ARRAY[w.attnum]
JOIN pg_class c ON c.oid = k.confrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = k.confkey[1]
ORDER BY w.at, k.conname";

fn foreign_key(row: &QueryResult) -> Result<ActualForeignKey, RlsError> {
    let on_delete: String = get(row, "on_delete")?;
    Ok(ActualForeignKey {
        name: name(row, "name")?,
        table: table_name(row)?,
        column: name(row, "column")?,
        on_delete: match on_delete.as_str() {
            "a" => Some(OnDelete::NoAction),
            "r" => Some(OnDelete::Restrict),
            "c" => Some(OnDelete::Cascade),
            _ => None,
        },
    })
}

/// One row a column; an index on an expression ends before it. Partial and invalid ones do not serve.
const INDEXES: &str = "
SELECT w.at, i.indexrelid::text AS index, a.attname::text AS column
FROM wanted w
JOIN pg_index i ON i.indrelid = w.oid AND i.indisvalid AND i.indpred IS NULL
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum = k.attnum
WHERE k.position <= i.indnkeyatts
  AND 0 <> ALL (i.indkey::int2[])
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
