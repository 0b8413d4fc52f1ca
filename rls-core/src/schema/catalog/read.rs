use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, QueryResult};

use super::policy::{POLICY_COLUMNS, POLICY_JOINS, policy};
use super::query::{at, checked, get, name, rows, text};
use super::relation::{INDEXES, TABLES};
use super::relation::{
    column, columns, foreign_key, foreign_keys, grants, relation, sequences, table_name,
};
use super::version::{REFERS, version};
use crate::config::RlsConfig;
use crate::error::RlsError;
use crate::model::privilege::Privilege;
use crate::name::{Identifier, TableName};
use crate::schema::fingerprint;
use crate::schema::snapshot::Relation;
use crate::schema::table::{ActualIndex, ActualPolicy, ActualTable};
use crate::sql;
use crate::sql::CAN_IDENTIFY;

/// The relations under the given names, each at the position of its name.
struct Relations(Vec<Option<Relation>>);

impl Relations {
    /// The table that a row of an answer belongs to.
    fn table(&mut self, row: &QueryResult) -> Result<Option<&mut ActualTable>, RlsError> {
        Ok(match self.0.get_mut(at(row)?) {
            Some(Some(Relation::Table(table))) => Some(table),
            _ => None,
        })
    }
}

/// Reads what the catalog holds under each name, and the size of each table.
///
/// Lock taken: `ACCESS SHARE` on each table, for its size.
pub(crate) async fn read(
    db: &impl ConnectionTrait,
    tables: &[&TableName],
    config: &RlsConfig,
) -> Result<BTreeMap<TableName, Relation>, RlsError> {
    if tables.is_empty() {
        return Ok(BTreeMap::new());
    }

    let named = named(tables);
    let of_names = rows(db, format!("{named}{TABLES}")).await?;
    let relations: Result<_, _> = of_names.iter().map(relation).collect();
    let mut relations = Relations(relations?);

    for row in rows(db, format!("{named}{}", columns())).await? {
        let column = column(&row)?;
        if let Some(table) = relations.table(&row)? {
            table.columns.insert(name(&row, "name")?, column);
        }
    }

    for row in rows(db, of_policies(&named)).await? {
        let actual = policy(&row)?;
        if let Some(table) = relations.table(&row)? {
            table.policies.insert(actual.policy.name.clone(), actual);
        }
    }

    for row in rows(db, format!("{named}{}", foreign_keys())).await? {
        let foreign_key = foreign_key(&row)?;
        if let Some(table) = relations.table(&row)? {
            table.foreign_keys.push(foreign_key);
        }
    }

    read_indexes(db, &named, &mut relations).await?;
    read_grants(db, &named, config, &mut relations).await?;

    let named = tables.iter().copied().cloned().zip(relations.0);
    Ok(named
        .filter_map(|(name, relation)| Some((name, relation?)))
        .collect())
}

/// One row a column; the columns of an index follow each other.
async fn read_indexes(
    db: &impl ConnectionTrait,
    named: &str,
    relations: &mut Relations,
) -> Result<(), RlsError> {
    let mut last = None;
    for row in rows(db, format!("{named}{INDEXES}")).await? {
        let Some(table) = relations.table(&row)? else {
            continue;
        };

        let index: String = get(&row, "index")?;
        if last.replace(index.clone()) != Some(index) {
            table.indexes.push(ActualIndex {
                columns: Vec::new(),
                only: get::<Option<String>>(&row, "only")?
                    .map(checked)
                    .transpose()?,
                unique: get(&row, "unique")?,
            });
        }

        if let Some(index) = table.indexes.last_mut() {
            index.columns.push(name(&row, "column")?);
        }
    }

    Ok(())
}

/// The grants on the tables, on their columns, and on the sequences behind these.
async fn read_grants(
    db: &impl ConnectionTrait,
    named: &str,
    config: &RlsConfig,
    relations: &mut Relations,
) -> Result<(), RlsError> {
    for row in rows(db, format!("{named}{}", grants(config))).await? {
        let privilege = Privilege::from_sql(&get::<String>(&row, "privilege")?);
        if let (Some(table), Some(privilege)) = (relations.table(&row)?, privilege) {
            let column: Option<String> = get(&row, "column")?;
            let grants = table.grants.entry(name(&row, "role")?).or_default();
            grants.add(privilege, column.map(checked).transpose()?);
        }
    }

    for row in rows(db, format!("{named}{}", sequences(config))).await? {
        let sequence = table_name(&row)?;
        if let Some(table) = relations.table(&row)? {
            let roles = table.sequences.entry(sequence).or_default();
            if let Some(role) = get::<Option<String>>(&row, "role")? {
                roles.insert(checked(role)?);
            }
        }
    }

    Ok(())
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

    let named = named(tables);
    for row in rows(db, of_policies(&named)).await? {
        let actual = policy(&row)?;
        policies[at(&row)?].insert(actual.policy.name.clone(), actual);
    }

    let can_identify = rows(db, format!("SELECT {CAN_IDENTIFY} AS can_identify")).await?;
    let can_identify = can_identify
        .first()
        .map_or(Ok(false), |row| get(row, "can_identify"))?;
    let query = format!(
        "{named}, {REFERS}
         SELECT w.at, p.polname::text AS name, {} AS version
         FROM named w JOIN pg_policy p ON p.polrelid = w.oid LEFT JOIN refers r ON r.\"table\" = \
         w.oid",
        version(can_identify)
    );

    for row in rows(db, query).await? {
        if let Some(actual) = policies[at(&row)?].get_mut(&name(&row, "name")?) {
            actual.version = get::<Option<String>>(&row, "version")?
                .as_deref()
                .map(fingerprint::version);
        }
    }

    Ok(policies)
}

fn of_policies(named: &str) -> String {
    format!(
        "{named}SELECT w.at, {POLICY_COLUMNS} FROM named w JOIN pg_policy p ON p.polrelid = \
         w.oid {POLICY_JOINS}"
    )
}

/// The tables that have a policy with a pending second fingerprint.
pub(crate) async fn pending(db: &impl ConnectionTrait) -> Result<Vec<TableName>, RlsError> {
    let pattern = sql::known_literal(fingerprint::PENDING_PATTERN);
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
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace IN (SELECT w.relnamespace FROM named w)
           AND (c.relrowsecurity OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))
           AND NOT EXISTS (SELECT FROM named w WHERE w.oid = c.oid)
         ORDER BY n.nspname, c.relname",
        named(tables)
    );

    rows(db, query).await?.iter().map(table_name).collect()
}

/// `WITH named (at, oid, …) AS (…)` over the tables.
fn named(tables: &[&TableName]) -> String {
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
        "WITH named AS (
           SELECT v.at, c.oid, c.relkind, c.relnamespace, c.relrowsecurity, c.relforcerowsecurity, \
           c.relacl
           FROM (VALUES {}) AS v (at, schema, name)
           LEFT JOIN pg_namespace n ON n.nspname = v.schema
           LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name) ",
        values.join(", ")
    )
}
