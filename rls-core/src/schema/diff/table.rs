use std::collections::BTreeSet;

use super::{column, force, policy, privilege};
use crate::error::SchemaError;
use crate::name::Identifier;
use crate::schema::plan::Plan;
use crate::schema::snapshot::CanonicalTable;
use crate::schema::table::{ActualTable, DesiredTable};

/// One table: as it is desired, the same as the server prints it if there is anything to compare
/// it with, and as it is.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    pub(crate) desired: &'a DesiredTable,
    pub(crate) canonical: Option<&'a CanonicalTable>,
    pub(crate) actual: &'a ActualTable,
}

impl Table<'_> {
    /// Whether a column that the policies need is yet to be added.
    pub(crate) fn lacks_column(&self) -> bool {
        self.desired
            .columns
            .iter()
            .any(|column| !self.actual.columns.contains_key(&column.name))
    }
}

/// The changes, ordered: columns and keys first, then row security and policies, and grants last,
/// so that the application's role reaches no table before its policies stand.
pub(super) fn changes(
    tables: &[Table<'_>],
    schema_usage: &BTreeSet<(Identifier, Identifier)>,
    plan: &mut Plan,
) -> Result<(), SchemaError> {
    let mut changes = Vec::new();
    for table in tables {
        column::columns(table, &mut changes)?;
    }

    // Foreign keys refer to other tables' columns, and come after all of them.
    for table in tables {
        column::keys(table, &mut changes);
    }

    plan.changes.extend(force::lifted(tables, changes));
    for table in tables {
        policy::row_security(table, &mut plan.changes);
        policy::policies(table, &mut plan.changes, &mut plan.unmanaged);
    }

    for table in tables {
        privilege::privileges(table, &mut plan.changes);
    }

    privilege::schemas(tables, schema_usage, &mut plan.changes);
    Ok(())
}
