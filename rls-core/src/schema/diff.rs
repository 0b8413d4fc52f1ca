//! The desired state of a database against the actual one: the changes between them, in an order
//! that leaves no gap. Nothing here asks the server.

mod audit;
mod check;
mod column;
mod fingerprint;
mod force;
mod policy;
mod privilege;
mod role;
mod table;
#[cfg(test)]
mod tests;

use crate::error::SchemaError;
use crate::schema::desired::Desired;
use crate::schema::plan::{Plan, Unmanaged};
use crate::schema::snapshot::Snapshot;

pub(crate) use check::comparable;
pub(crate) use fingerprint::stale;
pub(crate) use role::{check as check_roles, roles};
pub(crate) use table::Table;

/// The changes that bring the database to what is desired: roles first, then the tables.
pub(crate) fn diff(desired: &Desired<'_>, snapshot: &Snapshot) -> Result<Plan, SchemaError> {
    let tables = comparable(desired, snapshot)?;
    let mut plan = Plan {
        changes: roles(desired.config, &snapshot.roles),
        unmanaged: Vec::new(),
    };

    table::changes(&tables, &snapshot.schema_usage, &mut plan)?;

    // Without a registered table there is nothing to administer.
    if let (Some(audit), false) = (&desired.audit, tables.is_empty()) {
        audit::changes(audit, snapshot, desired.config, &mut plan.changes)?;
    }

    let others = snapshot
        .others
        .iter()
        .filter(|table| Some(*table) != desired.audit.as_ref())
        .cloned();
    plan.unmanaged
        .extend(others.map(|table| Unmanaged::Table { table }));

    Ok(plan)
}
