use std::collections::BTreeSet;

use super::table::Table;
use crate::model::policy::Canonical;
use crate::model::policy::Policy;
use crate::model::scope;
use crate::name::Identifier;
use crate::schema::fingerprint;
use crate::schema::plan::{Change, PolicyChange, RowSecurityChange, Unmanaged};
use crate::schema::table::{ActualPolicy, DesiredPolicy};

pub(super) fn row_security(
    Table {
        desired, actual, ..
    }: &Table<'_>,
    changes: &mut Vec<Change>,
) {
    let Some(asked) = desired.row_security else {
        return;
    };
    let mut change = |change| changes.push(Change::on(desired.table.clone(), change));

    match (asked.enabled, actual.enabled) {
        (true, false) => change(RowSecurityChange::Enable),
        (false, true) => change(RowSecurityChange::Disable),
        _ => {}
    }

    match (asked.forced, actual.forced) {
        (true, false) => change(RowSecurityChange::Force),
        (false, true) => change(RowSecurityChange::NoForce),
        _ => {}
    }
}

/// What is asked for comes first, and what is no longer asked for goes then. Policies that this
/// family did not make stay.
pub(super) fn policies(
    table: &Table<'_>,
    changes: &mut Vec<Change>,
    unmanaged: &mut Vec<Unmanaged>,
) {
    let name = || table.desired.table.clone();
    let mut renamed: BTreeSet<&Identifier> = BTreeSet::new();

    for asked @ DesiredPolicy { policy, .. } in &table.desired.policies {
        let canonical = table
            .canonical
            .and_then(|canonical| canonical.policies.get(&policy.name));
        if let Some(found) = table.actual.policies.get(&policy.name) {
            alter(table, asked, canonical, found, changes);
        } else if let Some((was, found)) = old_name(table, canonical, &renamed) {
            renamed.insert(was);
            changes.push(Change::on(
                name(),
                PolicyChange::Rename {
                    was: was.clone(),
                    name: policy.name.clone(),
                },
            ));
            comment(table, policy, &found.policy, changes);
        } else {
            changes.push(Change::on(
                name(),
                PolicyChange::Create {
                    policy: policy.clone(),
                },
            ));
        }
    }

    for (policy, held) in &table.actual.policies {
        if is_asked(table, policy) || renamed.contains(policy) {
            continue;
        }

        if is_ours(held) {
            let replaced = replaced(table, &held.policy);
            changes.push(Change::on(
                name(),
                PolicyChange::Drop {
                    policy: printed(&held.policy),
                    replaced,
                },
            ));
        } else {
            unmanaged.push(Unmanaged::Policy {
                table: name(),
                policy: policy.clone(),
            });
        }
    }
}

fn is_asked(table: &Table<'_>, name: &Identifier) -> bool {
    table
        .desired
        .policies
        .iter()
        .any(|asked| asked.policy.name == *name)
}

/// Whether this family made the policy, and nobody altered it since.
fn is_ours(held: &ActualPolicy) -> bool {
    held.fingerprint
        .as_ref()
        .is_some_and(|fingerprint| fingerprint.held == fingerprint::held(&held.policy))
}

/// Kind and command of a policy cannot be altered, nor can a condition be taken from it.
fn alter(
    table: &Table<'_>,
    DesiredPolicy { policy, asked }: &DesiredPolicy,
    canonical: Option<&Policy<Canonical>>,
    ActualPolicy {
        policy: found,
        fingerprint,
        ..
    }: &ActualPolicy,
    changes: &mut Vec<Change>,
) {
    let name = || table.desired.table.clone();
    let same = canonical.is_some_and(|asked| same(asked, found));
    let repairs = fingerprint
        .as_ref()
        .is_some_and(|fingerprint| fingerprint.asked == *asked);
    let alterable = found.is_alterable_to(policy);

    if !same && alterable {
        changes.push(Change::on(
            name(),
            PolicyChange::Alter {
                was: printed(found),
                policy: policy.clone(),
                repairs,
            },
        ));
    } else if !same {
        let replaced = repairs || policy.kind == found.kind && policy.covers(found.command());
        changes.push(Change::on(
            name(),
            PolicyChange::Drop {
                policy: printed(found),
                replaced,
            },
        ));
        changes.push(Change::on(
            name(),
            PolicyChange::Create {
                policy: policy.clone(),
            },
        ));
        return;
    }

    comment(table, policy, found, changes);
}

fn comment(
    table: &Table<'_>,
    policy: &Policy,
    found: &Policy<Canonical>,
    changes: &mut Vec<Change>,
) {
    if policy.comment != found.comment {
        let (comment, was) = (policy.comment.clone(), found.comment.clone());
        let name = policy.name.clone();
        let comment = PolicyChange::Comment { name, comment, was };

        changes.push(Change::on(table.desired.table.clone(), comment));
    }
}

/// The same but for name and comment.
fn same(asked: &Policy<Canonical>, found: &Policy<Canonical>) -> bool {
    asked.kind == found.kind && asked.rule == found.rule && asked.roles == found.roles
}

/// A policy that this family made, that is asked for no longer, and that is what this one is to be.
fn old_name<'a>(
    table: &Table<'a>,
    canonical: Option<&Policy<Canonical>>,
    taken: &BTreeSet<&Identifier>,
) -> Option<(&'a Identifier, &'a ActualPolicy)> {
    let canonical = canonical?;
    let is_old = |(name, held): &(&Identifier, &ActualPolicy)| {
        is_ours(held)
            && !taken.contains(name)
            && !is_asked(table, name)
            && same(canonical, &held.policy)
    };

    table.actual.policies.iter().find(is_old)
}

/// Whether it is a guard, and other guards are asked for: these hold for every command. Any other
/// restrictive policy that goes keeps nothing out any more.
fn replaced(table: &Table<'_>, gone: &Policy<Canonical>) -> bool {
    let names = scope::guards_of(&table.desired.table.table);
    let is_guard = |name: &Identifier| names.contains(name);

    is_guard(&gone.name)
        && table
            .desired
            .policies
            .iter()
            .any(|asked| is_guard(&asked.policy.name))
}

/// As the server prints it, for showing and for putting back.
fn printed(policy: &Policy<Canonical>) -> Policy {
    policy.map(Canonical::to_expression)
}
