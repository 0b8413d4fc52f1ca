//! The desired state of a database against the actual one: the changes between them, in an order
//! that leaves no gap. Nothing here asks the server.

mod audit;
mod bound;
mod breaking;
mod check;
mod column;
mod distribution;
mod domain;
mod fingerprint;
mod force;
mod policy;
mod privilege;
mod role;
mod signing;
mod table;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use crate::error::SchemaError;
use crate::name::TableName;
use crate::schema::desired::Desired;
use crate::schema::plan::{Plan, Unmanaged};
use crate::schema::snapshot::Snapshot;
use crate::schema::used::UsedNames;

pub(crate) use breaking::of_roles as breaking_roles;
pub(crate) use check::comparable;
pub(crate) use fingerprint::stale;
pub(crate) use role::{Passwords, check as check_roles, roles};
pub(crate) use table::Table;

/// The changes that bring the database to what is desired: roles first, then the
/// tables, the audit table, and the domains that carry contexts.
pub(crate) fn diff(desired: &Desired<'_>, snapshot: &Snapshot) -> Result<Plan, SchemaError> {
    let tables = comparable(desired, snapshot)?;
    distribution::check(&tables, desired, snapshot)?;
    let mut plan = Plan {
        changes: roles(desired.config, &snapshot.roles, Passwords::Compare),
        passwords: role::uncompared(desired.config, &snapshot.roles),
        waiting: waiting(desired, &tables),
        ..Plan::default()
    };

    if let Some(verified) = desired.verified.as_ref().filter(|_| !tables.is_empty()) {
        signing::changes(verified, snapshot, desired.config, &mut plan.changes)?;
    }

    table_changes(&tables, snapshot, &mut plan)?;

    // Without a registered table there is nothing to administer, and no context to carry.
    if !tables.is_empty() {
        if let Some(audit) = &desired.audit {
            audit::changes(audit, snapshot, desired.config, &mut plan.changes)?;
        }

        domain::changes(
            &desired.domains,
            desired.record(),
            snapshot,
            desired.config,
            &mut plan.changes,
        )?;
    }

    let others = snapshot
        .others
        .iter()
        .filter(|table| Some(*table) != desired.audit.as_ref())
        .cloned();
    plan.unmanaged
        .extend(others.map(|table| Unmanaged::Table { table }));
    plan.breaking = breaking::breaking(&tables, &snapshot.roles, &plan.changes);

    Ok(plan)
}

/// The registered tables that are not compared yet.
fn waiting(desired: &Desired<'_>, tables: &[Table<'_>]) -> Vec<TableName> {
    let is_compared = |name: &&TableName| tables.iter().any(|table| table.desired.table == **name);

    let mut waiting: Vec<TableName> = desired.tables.iter().map(|it| it.table.clone()).collect();
    waiting.retain(|name| !is_compared(&name));
    waiting
}

/// Whether an index or a key is to be created, for which the names that are in use must be known.
pub(crate) fn creates_named(tables: &[Table<'_>]) -> bool {
    let mut changes = Vec::new();
    for table in tables {
        column::keys(table, &mut UsedNames::default(), &mut changes);
    }
    bound::keys(tables, &mut UsedNames::default(), &mut changes);

    !changes.is_empty()
}

/// The changes of tables, ordered: columns and keys first, then row security and policies, and
/// grants last, so that the application's role reaches no table before its policies stand.
fn table_changes(
    tables: &[Table<'_>],
    snapshot: &Snapshot,
    plan: &mut Plan,
) -> Result<(), SchemaError> {
    // A statement locks its table, and then those that the table's policies read. Changed in the same
    // order, no table is locked that such a statement waits for while it keeps one that is yet to come.
    let mut tables = tables.to_vec();
    tables.sort_by_key(|table| Reverse(table.desired.levels()));
    let tables = tables.as_slice();

    let mut changes = Vec::new();
    for table in tables {
        column::columns(table, &mut changes)?;
    }

    // Keys refer to tables that are where they stay.
    distribution::unprotected(tables, snapshot, &mut changes);
    let mut used = snapshot.used.clone();

    // Foreign keys refer to other tables' columns, and come after all of them.
    for table in tables {
        column::keys(table, &mut used, &mut changes);
    }
    bound::keys(tables, &mut used, &mut changes);
    distribution::check_changes(tables, &changes)?;

    let is_forced = |table: &Table<'_>| table.actual.enabled && table.actual.forced;
    let mut changes = force::lifted(tables, is_forced, changes);
    // Only a key that is replaced whole is known to read rows.
    distribution::one_by_one(tables, snapshot, &mut changes);
    plan.changes.extend(changes);
    for table in tables {
        policy::row_security(table, &mut plan.changes);
        policy::policies(table, &mut plan.changes, &mut plan.unmanaged);
    }

    let mut changes = Vec::new();
    distribution::protected(tables, snapshot, &mut changes);
    let is_forced = |table: &Table<'_>| {
        let desired = table.desired.row_security;
        desired.is_none_or(|desired| desired.enabled && desired.forced)
    };
    plan.changes
        .extend(force::lifted(tables, is_forced, changes));
    for table in tables {
        privilege::privileges(table, &mut plan.changes);
    }

    privilege::schemas(tables, &snapshot.schema_usage, &mut plan.changes);
    Ok(())
}
