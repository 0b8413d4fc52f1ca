//! How Citus spreads tables over its nodes, and what cannot be on it.

use super::table::Table;
use crate::config::SignedContexts;
use crate::error::{NotOnCitus, SchemaError};
use crate::model::policy::Policy;
use crate::model::scope::Distribution;
use crate::schema::desired::Desired;
use crate::schema::plan::{Change, DistributionChange, TableChange};
use crate::schema::snapshot::Snapshot;
use crate::sql;

/// Checks that Citus can have the tables as they are desired.
pub(super) fn check(
    tables: &[Table<'_>],
    desired: &Desired<'_>,
    snapshot: &Snapshot,
) -> Result<(), SchemaError> {
    if !snapshot.is_citus {
        return Ok(());
    }

    let is_signed = desired.config.signs_contexts() > SignedContexts::Off;
    for table in tables {
        if let Some(reason) = obstacle(table, is_signed) {
            return Err(SchemaError::NotOnCitus {
                table: table.desired.table.to_string(),
                reason,
            });
        }
    }

    Ok(())
}

fn obstacle(table: &Table<'_>, is_signed: bool) -> Option<NotOnCitus> {
    let (desired, actual) = (&table.desired.distribution, &table.actual.distribution);
    let Some(distribution) = desired else {
        // Without policies nothing is in the way.
        let undeclared = actual.is_some() && table.desired.row_security.is_some();
        return undeclared.then_some(NotOnCitus::Undeclared);
    };

    if actual.as_ref().is_some_and(|actual| actual != distribution) {
        return Some(NotOnCitus::Otherwise);
    }

    if is_signed {
        return Some(NotOnCitus::Signed);
    }

    if let Distribution::By(column) = distribution {
        let lacking = table
            .actual
            .indexes
            .iter()
            .find(|index| index.unique && !index.columns.contains(column));
        if let Some(index) = lacking {
            let columns = index.columns.iter().map(ToString::to_string).collect();
            let column = column.to_string();
            return Some(NotOnCitus::Unique { columns, column });
        }
    }

    let policies = table.desired.policies.iter().map(|desired| &desired.policy);
    let asking = policies.into_iter().find(|policy| asks(policy))?;
    let policy = asking.name.to_string();
    Some(NotOnCitus::SubSelect { policy })
}

/// Whether a policy has a sub-select.
fn asks(policy: &Policy) -> bool {
    [policy.using(), policy.with_check()]
        .into_iter()
        .flatten()
        .any(|condition| {
            sql::expression(condition)
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word.eq_ignore_ascii_case("select"))
        })
}

/// The tables that Citus does not distribute yet: those that others refer to first, since a table
/// on the nodes can refer only to others there.
///
/// Tables with policies come later ([`protected`]): theirs may still have sub-selects.
pub(super) fn unprotected(tables: &[Table<'_>], snapshot: &Snapshot, changes: &mut Vec<Change>) {
    distribute(tables, snapshot, false, changes);
}

/// The tables that had policies before, which have been altered to a form that Citus takes.
pub(super) fn protected(tables: &[Table<'_>], snapshot: &Snapshot, changes: &mut Vec<Change>) {
    distribute(tables, snapshot, true, changes);
}

fn distribute(
    tables: &[Table<'_>],
    snapshot: &Snapshot,
    protected: bool,
    changes: &mut Vec<Change>,
) {
    let is_due = |table: &&Table<'_>| {
        snapshot.is_citus
            && table.actual.distribution.is_none()
            && table.actual.policies.is_empty() != protected
    };
    let mut due: Vec<(&Table<'_>, &Distribution)> = tables
        .iter()
        .filter(is_due)
        .filter_map(|table| Some((table, table.desired.distribution.as_ref()?)))
        .collect();

    while !due.is_empty() {
        let waits = |table: &Table<'_>| {
            due.iter().any(|(other, how)| {
                let name = &other.desired.table;
                let refers = table.desired.refers_to().any(|parent| parent == name);
                (refers || **how == Distribution::Everywhere) && *name != table.desired.table
            })
        };
        let (mut next, later): (Vec<_>, Vec<_>) = due
            .iter()
            .copied()
            .partition(|(table, how)| **how == Distribution::Everywhere || !waits(table));
        due = later;

        // They refer to each other in a circle: Citus says which key is in the way.
        if next.is_empty() {
            next.append(&mut due);
        }

        changes.extend(next.into_iter().map(|(table, how)| {
            let distribution = how.clone();
            let change = DistributionChange::Distribute { distribution };
            Change::on(
                table.desired.table.clone(),
                TableChange::Distribution(change),
            )
        }));
    }
}
