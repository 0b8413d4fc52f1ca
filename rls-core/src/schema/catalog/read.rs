use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use super::policy::{POLICY_COLUMNS, POLICY_JOINS, policy};
use super::query::{at, checked, get, name, rows, text};
use super::relation::{INDEXES, Relation, TABLES};
use super::relation::{
    column, columns, foreign_key, foreign_keys, grants, relation, sequences, table_name,
};
use super::version::{CAN_IDENTIFY, REFERS, version};
use crate::config::RlsConfig;
use crate::error::RlsError;
use crate::model::privilege::Privilege;
use crate::name::{Identifier, TableName};
use crate::schema::fingerprint;
use crate::schema::table::{ActualIndex, ActualPolicy};
use crate::sql;

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

    for row in rows(db, format!("{wanted}{}", columns())).await? {
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

    for row in rows(db, format!("{wanted}{}", foreign_keys())).await? {
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
                let only = get::<Option<String>>(&row, "only")?
                    .map(checked)
                    .transpose()?;
                let unique = get(&row, "unique")?;

                table.indexes.push(ActualIndex {
                    columns: Vec::new(),
                    only,
                    unique,
                });
            }

            let column = name(&row, "column")?;

            table
                .indexes
                .last_mut()
                .into_iter()
                .for_each(|index| index.columns.push(column.clone()));
        }
    }

    for row in rows(db, format!("{wanted}{}", grants(config))).await? {
        let word: String = get(&row, "privilege")?;
        if let (Relation::Table(table), Some(privilege)) =
            (&mut relations[at(&row)?], Privilege::from_sql(&word))
        {
            table
                .grants
                .entry(name(&row, "role")?)
                .or_default()
                .insert(privilege);
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

/// Reads the policies alone, with the versions of their rows, of tables that are there. Locks
/// nothing.
pub(crate) async fn policies(
    db: &impl ConnectionTrait,
    tables: &[&TableName],
) -> Result<Vec<BTreeMap<Identifier, ActualPolicy>>, RlsError> {
    let mut policies: Vec<BTreeMap<Identifier, ActualPolicy>> = vec![BTreeMap::new(); tables.len()];
    if tables.is_empty() {
        return Ok(policies);
    }

    let wanted = wanted(tables);
    for (at, held) in held(db, &wanted).await? {
        policies[at].insert(held.policy.name.clone(), held);
    }

    let can_identify = rows(db, format!("SELECT {CAN_IDENTIFY} AS can_identify")).await?;
    let can_identify = can_identify
        .first()
        .map_or(Ok(false), |row| get(row, "can_identify"))?;
    let query = format!(
        "{wanted}, {REFERS}
         SELECT w.at, p.polname::text AS name, {} AS version
         FROM wanted w JOIN pg_policy p ON p.polrelid = w.oid LEFT JOIN refers r ON r.\"table\" = \
         w.oid",
        version(can_identify)
    );

    for row in rows(db, query).await? {
        if let Some(held) = policies[at(&row)?].get_mut(&name(&row, "name")?) {
            held.version = get::<Option<String>>(&row, "version")?
                .as_deref()
                .map(fingerprint::version);
        }
    }

    Ok(policies)
}

async fn held(
    db: &impl ConnectionTrait,
    wanted: &str,
) -> Result<Vec<(usize, ActualPolicy)>, RlsError> {
    let query = format!(
        "{wanted}SELECT w.at, {POLICY_COLUMNS} FROM wanted w JOIN pg_policy p ON p.polrelid = \
         w.oid {POLICY_JOINS}"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| Ok((at(row)?, policy(row)?)))
        .collect()
}

/// The tables with policies whose second fingerprint is pending.
pub(crate) async fn pending(db: &impl ConnectionTrait) -> Result<Vec<TableName>, RlsError> {
    let pattern = sql::literal(fingerprint::PENDING_PATTERN)
        .unwrap_or_else(|| unreachable!("a constant without NUL"));
    let query = format!(
        "SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS \"table\"
         FROM pg_policy p {POLICY_JOINS}
         JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE t.description ~ {pattern}"
    );

    rows(db, query).await?.iter().map(table_name).collect()
}

/// The tables of the schemas of `tables` that have row security, or policies, and are not among
/// them.
pub(crate) async fn others(
    db: &impl ConnectionTrait,
    tables: &[&TableName],
) -> Result<Vec<TableName>, RlsError> {
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
            let schema = table
                .schema
                .as_ref()
                .map_or_else(|| "NULL".to_owned(), text);
            format!("({at}, {schema}, {})", text(&table.table))
        })
        .collect();

    format!(
        "WITH wanted AS (
           SELECT v.at, c.oid, c.relkind, c.relnamespace, c.relrowsecurity, c.relforcerowsecurity, \
           c.relacl
           FROM (VALUES {}) AS v (at, schema, name)
           LEFT JOIN pg_namespace n ON n.nspname = v.schema
           LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name) ",
        values.join(", ")
    )
}
