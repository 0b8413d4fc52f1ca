use std::collections::BTreeSet;

use super::role;
use super::table::Table;
use crate::error::SchemaError;
use crate::name::TableName;
use crate::schema::desired::{Desired, MissingTables};
use crate::schema::snapshot::{Relation, Snapshot};
use crate::schema::table::{ActualIndex, ActualTable, DesiredTable};

/// The registered tables that are there, if the database can be brought to what is desired at all.
///
/// Tables that are not there are left out if they are to be skipped, and with them the tables that
/// refer to one of them: the same migration creates those later.
pub(crate) fn comparable<'a>(
    desired: &'a Desired<'_>,
    snapshot: &'a Snapshot,
) -> Result<Vec<Table<'a>>, SchemaError> {
    role::check(&snapshot.roles)?;

    let mut tables = Vec::new();
    for desired_table in &desired.tables {
        let name = &desired_table.table;
        match snapshot.relations.get(name) {
            Some(Relation::Table(actual)) => {
                check_columns(desired_table, actual)?;
                tables.push(Table {
                    desired: desired_table,
                    canonical: snapshot.canonical.get(name),
                    actual,
                });
            }
            Some(Relation::Other) => {
                let table = name.to_string();
                return Err(SchemaError::NotATable { table });
            }
            None if desired.missing == MissingTables::Skip => {}
            None => {
                let table = name.to_string();
                return Err(SchemaError::MissingTable { table });
            }
        }
    }

    skip_dependents(desired, &mut tables);
    check_parents(&tables)?;

    Ok(tables)
}

/// Checks that the key columns are there, and have the entities' types.
fn check_columns(desired: &DesiredTable, actual: &ActualTable) -> Result<(), SchemaError> {
    for column in &desired.columns {
        let (table, name) = (desired.table.to_string(), column.name.to_string());
        match actual.columns.get(&column.name) {
            None if column.owned => {}
            None => {
                return Err(SchemaError::MissingKey {
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

/// Checks that each reference leads to one row: if two rows can share the column, it does not tell
/// who owns a row.
fn check_parents(tables: &[Table<'_>]) -> Result<(), SchemaError> {
    for child in tables {
        for (parent, column) in &child.desired.unique {
            let Some(registered) = tables.iter().find(|other| other.desired.table == *parent)
            else {
                continue;
            };
            let unique = |index: &ActualIndex| {
                index.unique
                    && index.only.is_none()
                    && index.columns == std::slice::from_ref(column)
            };

            if !registered.actual.indexes.iter().any(unique) {
                return Err(SchemaError::ParentNotUnique {
                    table: child.desired.table.to_string(),
                    parent: parent.to_string(),
                    column: column.to_string(),
                });
            }
        }
    }

    Ok(())
}
