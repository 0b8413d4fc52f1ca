use std::collections::BTreeSet;

use super::table::Table;
use super::{column, role};
use crate::error::SchemaError;
use crate::model::expression::Expression;
use crate::name::{Identifier, TableName};
use crate::schema::desired::{Desired, MissingTables};
use crate::schema::snapshot::{Relation, Snapshot};
use crate::schema::table::{ActualIndex, ActualTable, DesiredColumn, DesiredTable, Generated};

/// The registered tables that are there, if the database can be brought to what is desired at all.
///
/// While migrations are pending, tables are left out that are not there, or not yet as their
/// entities declare them, and with them the tables that refer to one of them: a later migration
/// creates or alters those.
pub(crate) fn comparable<'a>(
    desired: &'a Desired<'_>,
    snapshot: &'a Snapshot,
) -> Result<Vec<Table<'a>>, SchemaError> {
    role::check(&snapshot.roles)?;

    let skips = desired.missing == MissingTables::Skip;
    let mut tables = Vec::new();
    for desired_table in &desired.tables {
        let name = &desired_table.table;
        match snapshot.relations.get(name) {
            Some(Relation::Table(actual)) => {
                let table = Table {
                    desired: desired_table,
                    canonical: snapshot.canonical.get(name),
                    actual,
                };

                match check_columns(desired_table, actual) {
                    Err(_) if skips => {}
                    Err(error) => return Err(error),
                    Ok(()) if skips && !is_ready(&table, desired, snapshot) => {}
                    Ok(()) => tables.push(table),
                }
            }
            Some(Relation::Other) => {
                let table = name.to_string();
                return Err(SchemaError::NotATable { table });
            }
            None if skips => {}
            None => {
                let table = name.to_string();
                return Err(SchemaError::MissingTable { table });
            }
        }
    }

    if skips {
        let there = tables.clone();
        tables.retain(|child| check_parents(child, &there).is_ok());
    }
    skip_dependents(desired, &mut tables);

    for child in &tables {
        check_parents(child, &tables)?;
    }

    Ok(tables)
}

/// Whether everything is there that the policies and indexes of a table name, but for the columns
/// that the plan adds.
fn is_ready(table: &Table<'_>, desired: &Desired<'_>, snapshot: &Snapshot) -> bool {
    let name = &table.desired.table;
    let has = |table: &TableName, column: &Identifier| {
        let Some(Relation::Table(actual)) = snapshot.relations.get(table) else {
            return true;
        };
        let added = |desired: &DesiredTable| {
            desired
                .columns
                .iter()
                .any(|desired| desired.owned && desired.name == *column)
        };

        actual.columns.contains_key(column)
            || desired
                .tables
                .iter()
                .any(|desired| desired.table == *table && added(desired))
    };

    let conditions = table
        .desired
        .policies
        .iter()
        .flat_map(|desired| [desired.policy.using(), desired.policy.with_check()])
        .flatten();
    let indexed = table
        .desired
        .indexes
        .iter()
        .flat_map(|index| index.columns.iter().chain(&index.only));

    !snapshot.unready.contains(name)
        && conditions
            .into_iter()
            .all(|condition| names_columns(condition, name, &has))
        && indexed.into_iter().all(|column| has(name, column))
        && !table
            .desired
            .columns
            .iter()
            .any(|column| column::renamed(table, column).is_some())
}

/// Whether each column that a condition names is there. What an expression of sea-query or plain SQL
/// names, the server alone knows.
fn names_columns(
    condition: &Expression,
    table: &TableName,
    has: &impl Fn(&TableName, &Identifier) -> bool,
) -> bool {
    match condition {
        Expression::All(parts) | Expression::Any(parts) => {
            parts.iter().all(|part| names_columns(part, table, has))
        }
        Expression::First(part) => names_columns(part, table, has),
        Expression::IsCurrent { column, .. }
        | Expression::IsCurrentOnNode { column, .. }
        | Expression::IsVerified { column, .. }
        | Expression::IsTrue(column)
        | Expression::IsNull(column)
        | Expression::NotDeleted(column)
        | Expression::NotDeletedRounded(column, _)
        | Expression::FirstNotDeleted(column, _) => has(table, column),
        Expression::Through {
            column,
            parent,
            parent_column,
            holds,
        }
        | Expression::FirstThrough {
            column,
            parent,
            parent_column,
            holds,
        } => has(table, column) && has(parent, parent_column) && names_columns(holds, parent, has),
        _ => true,
    }
}

/// The columns that the server gives every table.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Checks that the key columns are there, have the entities' types, and can have keys and indexes.
fn check_columns(desired: &DesiredTable, actual: &ActualTable) -> Result<(), SchemaError> {
    check_granted(desired, actual)?;

    for column in &desired.columns {
        let (table, name) = (desired.table.to_string(), column.name.to_string());
        match actual.columns.get(&column.name) {
            None if column.owned && SYSTEM_COLUMNS.contains(&name.as_str()) => {
                return Err(SchemaError::NameTaken { table, name });
            }
            None if column.owned => {}
            None => {
                return Err(SchemaError::MissingKey {
                    table,
                    column: name,
                });
            }
            Some(actual) if actual.generated == Some(Generated::Virtual) => {
                return Err(SchemaError::VirtualOwner {
                    table,
                    column: name,
                });
            }
            Some(actual) if actual.key == Some(column.key) => {}
            Some(actual) => {
                return Err(SchemaError::OwnerType {
                    table,
                    column: name,
                    found: actual.sql_type.clone(),
                    expected: column.key,
                });
            }
        }
    }

    Ok(())
}

/// Checks that the columns to which privileges are limited are there, but for those that the plan
/// adds, and that they can be written.
fn check_granted(desired: &DesiredTable, actual: &ActualTable) -> Result<(), SchemaError> {
    let columns = desired.privileges.values();
    let columns = columns.flat_map(|grants| grants.columns.values()).flatten();

    for column in columns {
        let added = |desired: &DesiredColumn| desired.owned && desired.name == *column;
        let why = match actual.columns.get(column) {
            Some(actual) if actual.generated.is_some() => {
                "the server computes it, so that nobody writes it: leave it out"
            }
            Some(_) => continue,
            None if desired.columns.iter().any(added) => continue,
            None => "the table has no such column: add it by a migration, or leave it out",
        };

        return Err(SchemaError::ColumnGranted {
            table: desired.table.to_string(),
            column: column.to_string(),
            why,
        });
    }

    Ok(())
}

/// Leaves out each table that refers, by a policy or a key, to a registered one that is left out.
fn skip_dependents(desired: &Desired<'_>, tables: &mut Vec<Table<'_>>) {
    loop {
        let mut skipped: BTreeSet<&TableName> = desired.names().collect();
        for table in &*tables {
            skipped.remove(&table.desired.table);
        }

        let before = tables.len();
        tables.retain(|table| {
            !table
                .desired
                .refers_to()
                .any(|other| skipped.contains(other))
        });
        if tables.len() == before {
            return;
        }
    }
}

/// Checks that each reference of a table leads to one row: if two rows can share the column, it does
/// not tell who owns a row.
fn check_parents(child: &Table<'_>, tables: &[Table<'_>]) -> Result<(), SchemaError> {
    for (parent, column) in &child.desired.unique {
        let Some(registered) = tables.iter().find(|other| other.desired.table == *parent) else {
            continue;
        };
        let unique = |index: &ActualIndex| {
            index.unique && index.only.is_none() && index.columns == std::slice::from_ref(column)
        };

        if !registered.actual.indexes.iter().any(unique) {
            return Err(SchemaError::ParentNotUnique {
                table: child.desired.table.to_string(),
                parent: parent.to_string(),
                column: column.to_string(),
            });
        }
    }

    Ok(())
}
