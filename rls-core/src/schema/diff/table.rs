use std::collections::BTreeSet;

use super::{column, force, policy, privilege};
use crate::error::SchemaError;
use crate::name::Identifier;
use crate::schema::catalog::CanonicalTable;
use crate::schema::plan::{Change, Unmanaged};
use crate::schema::table::{Actual, ActualIndex, Desired};

/// One table: what is asked, the same in the server's words where there is anything to compare it
/// with, and what is.
pub(crate) struct Table<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) canonical: Option<&'a CanonicalTable>,
    pub(crate) actual: &'a Actual,
}

/// Whether the table can be brought to what is asked at all.
pub(crate) fn check(desired: &Desired, actual: &Actual) -> Result<(), SchemaError> {
    let table = desired.table.to_string();
    for asked in &desired.columns {
        match actual.columns.get(&asked.name) {
            None if asked.owned => {}
            None => {
                return Err(SchemaError::MissingKey {
                    table,
                    column: asked.name.to_string(),
                });
            }
            Some(found) if found.key == Some(asked.key) => {}
            Some(found) => {
                return Err(SchemaError::OwnerType {
                    table,
                    column: asked.name.to_string(),
                    found: found.sql_type.clone(),
                    expected: asked.key,
                });
            }
        }
    }

    Ok(())
}

/// Whether each reference leads to one row: a column that two rows share tells nobody whose a row
/// is.
pub(crate) fn check_parents(desired: &[Desired], actual: &[Actual]) -> Result<(), SchemaError> {
    for child in desired {
        for (parent, column) in &child.unique {
            let Some(at) = desired.iter().position(|other| other.table == *parent) else {
                continue;
            };
            let unique = |index: &ActualIndex| {
                index.unique
                    && index.only.is_none()
                    && index.columns == std::slice::from_ref(column)
            };

            if !actual[at].indexes.iter().any(unique) {
                let (table, parent, column) = (
                    child.table.to_string(),
                    parent.to_string(),
                    column.to_string(),
                );

                return Err(SchemaError::ParentNotUnique {
                    table,
                    parent,
                    column,
                });
            }
        }
    }

    Ok(())
}

/// The changes, ordered: columns and keys first, then row security and policies, and grants last,
/// so that the application's role reaches no table before its policies stand.
pub(crate) fn tables(
    tables: &[Table<'_>],
    schema_usage: &BTreeSet<(Identifier, Identifier)>,
) -> Result<(Vec<Change>, Vec<Unmanaged>), SchemaError> {
    let (mut changes, mut unmanaged) = (Vec::new(), Vec::new());
    for table in tables {
        column::columns(table, &mut changes)?;
    }

    // Foreign keys refer to other tables' columns, and come after all of them.
    for table in tables {
        column::keys(table, &mut changes);
    }

    let mut changes = force::lifted(tables, changes);
    for table in tables {
        policy::row_security(table, &mut changes);
        policy::policies(table, &mut changes, &mut unmanaged);
    }

    for table in tables {
        privilege::privileges(table, &mut changes);
    }

    privilege::schemas(tables, schema_usage, &mut changes);
    Ok((changes, unmanaged))
}
