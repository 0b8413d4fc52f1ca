use std::collections::BTreeSet;

use super::table::Table;
use crate::model::policy::{Canonical, Policy};
use crate::model::scope;
use crate::name::Identifier;
use crate::schema::plan::{Change, PolicyChange, RowSecurityChange, Unmanaged};
use crate::schema::table::{ActualPolicy, DesiredPolicy};

pub(super) fn row_security(table: &Table<'_>, changes: &mut Vec<Change>) {
    let Some(desired) = table.desired.row_security else {
        return;
    };
    let mut change = |change| changes.push(Change::on(table.desired.table.clone(), change));

    match (desired.enabled, table.actual.enabled) {
        (true, false) => change(RowSecurityChange::Enable),
        (false, true) => change(RowSecurityChange::Disable),
        _ => {}
    }

    match (desired.forced, table.actual.forced) {
        (true, false) => change(RowSecurityChange::Force),
        (false, true) => change(RowSecurityChange::NoForce),
        _ => {}
    }
}

/// Desired policies come first; then the policies that are no longer desired go. Policies that this
/// library did not make stay.
pub(super) fn policies(
    table: &Table<'_>,
    changes: &mut Vec<Change>,
    unmanaged: &mut Vec<Unmanaged>,
) {
    let name = || table.desired.table.clone();
    let mut renamed: BTreeSet<&Identifier> = BTreeSet::new();

    for desired @ DesiredPolicy { policy, .. } in &table.desired.policies {
        let canonical = table
            .canonical
            .and_then(|canonical| canonical.policies.get(&policy.name));
        if let Some(actual) = table.actual.policies.get(&policy.name) {
            alter(table, desired, canonical, actual, changes);
        } else if let Some((was, actual)) = old_name(table, canonical, &renamed) {
            renamed.insert(was);
            let rename = PolicyChange::Rename {
                was: was.clone(),
                name: policy.name.clone(),
            };
            changes.push(Change::on(name(), rename));
            comment(table, policy, &actual.policy, changes);
        } else {
            let policy = policy.clone();
            changes.push(Change::on(name(), PolicyChange::Create { policy }));
        }
    }

    for (policy, actual) in &table.actual.policies {
        if table.desired.policy(policy).is_some() || renamed.contains(policy) {
            continue;
        }

        if actual.is_unaltered() {
            let drop = PolicyChange::Drop {
                policy: printed(&actual.policy),
                replaced: replaced(table, &actual.policy),
            };
            changes.push(Change::on(name(), drop));
        } else {
            unmanaged.push(Unmanaged::Policy {
                table: name(),
                policy: policy.clone(),
            });
        }
    }
}

/// Kind and command of a policy cannot be altered, nor can a condition be taken from it.
fn alter(
    table: &Table<'_>,
    desired: &DesiredPolicy,
    canonical: Option<&Policy<Canonical>>,
    actual: &ActualPolicy,
    changes: &mut Vec<Change>,
) {
    let mut change = |change| changes.push(Change::on(table.desired.table.clone(), change));
    let (policy, was) = (&desired.policy, &actual.policy);
    let is_same = canonical.is_some_and(|canonical| same(canonical, was));
    let repairs = actual.is_made_for(desired);

    if !is_same && was.is_alterable_to(policy) {
        change(PolicyChange::Alter {
            was: printed(was),
            policy: policy.clone(),
            repairs,
        });
    } else if !is_same {
        change(PolicyChange::Drop {
            policy: printed(was),
            replaced: repairs || policy.kind == was.kind && policy.covers(was.command()),
        });
        change(PolicyChange::Create {
            policy: policy.clone(),
        });
        return;
    }

    comment(table, policy, was, changes);
}

fn comment(
    table: &Table<'_>,
    desired: &Policy,
    actual: &Policy<Canonical>,
    changes: &mut Vec<Change>,
) {
    if desired.comment != actual.comment {
        let comment = PolicyChange::Comment {
            name: desired.name.clone(),
            comment: desired.comment.clone(),
            was: actual.comment.clone(),
        };
        changes.push(Change::on(table.desired.table.clone(), comment));
    }
}

/// The same but for name and comment.
fn same(canonical: &Policy<Canonical>, actual: &Policy<Canonical>) -> bool {
    canonical.kind == actual.kind
        && canonical.rule == actual.rule
        && canonical.roles == actual.roles
}

/// A policy of this library that is no longer desired and says what this one is to say: this one,
/// under its old name.
fn old_name<'a>(
    table: &Table<'a>,
    canonical: Option<&Policy<Canonical>>,
    taken: &BTreeSet<&Identifier>,
) -> Option<(&'a Identifier, &'a ActualPolicy)> {
    let canonical = canonical?;
    let is_old = |(name, actual): &(&Identifier, &ActualPolicy)| {
        actual.is_unaltered()
            && !taken.contains(name)
            && table.desired.policy(name).is_none()
            && same(canonical, &actual.policy)
    };

    table.actual.policies.iter().find(is_old)
}

/// Whether the dropped policy is a guard, and other guards are desired, which hold for every
/// command. Nothing else replaces a restrictive policy.
fn replaced(table: &Table<'_>, gone: &Policy<Canonical>) -> bool {
    let names = scope::guards_of(&table.desired.table.table);
    let is_guard = |name: &Identifier| names.contains(name);

    is_guard(&gone.name)
        && table
            .desired
            .policies
            .iter()
            .any(|desired| is_guard(&desired.policy.name))
}

/// The policy as the server prints it, to show it and to put it back.
fn printed(policy: &Policy<Canonical>) -> Policy {
    policy.map(Canonical::to_expression)
}
