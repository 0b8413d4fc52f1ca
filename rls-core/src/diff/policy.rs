use std::collections::BTreeSet;

use super::Table;
use crate::catalog::Canonical;
use crate::name::Identifier;
use crate::plan::{Change, Kept};
use crate::policy::{Command, Policy, PolicyKind};
use crate::table::{DesiredPolicy, Held};

pub(super) fn row_security(Table { desired, actual, .. }: &Table<'_>, changes: &mut Vec<Change>) {
    let Some(asked) = desired.row_security else { return };
    let table = || desired.table.clone();
    if asked.enabled != actual.enabled {
        changes.push(Change::EnableRowSecurity { table: table(), enable: asked.enabled });
    }
    if asked.forced != actual.forced {
        changes.push(Change::ForceRowSecurity { table: table(), force: asked.forced });
    }
}

/// What is asked for comes first, and what is no longer asked for goes then. Policies that this family did not make
/// stay.
pub(super) fn policies(table: &Table<'_>, changes: &mut Vec<Change>, kept: &mut Vec<Kept>) {
    let name = || table.desired.table.clone();
    let mut renamed: BTreeSet<&Identifier> = BTreeSet::new();
    for asked @ DesiredPolicy { policy, .. } in &table.desired.policies {
        let canonical = table.canonical.and_then(|canonical| canonical.policies.get(&policy.name));
        if let Some(found) = table.actual.policies.get(&policy.name) {
            alter(table, asked, canonical, found, changes);
        } else if let Some((was, found)) = old_name(table, canonical, &renamed) {
            renamed.insert(was);
            changes.push(Change::RenamePolicy { table: name(), was: was.clone(), name: policy.name.clone() });
            comment(table, policy, &found.policy, changes);
        } else {
            changes.push(Change::CreatePolicy { table: name(), policy: policy.clone() });
        }
    }
    for (policy, held) in &table.actual.policies {
        if is_asked(table, policy) || renamed.contains(policy) {
            continue;
        }
        if held.stamp.is_some() {
            let replaced = replaced(table, &held.policy);
            changes.push(Change::DropPolicy { table: name(), policy: printed(&held.policy), replaced });
        } else {
            kept.push(Kept::Policy { table: name(), policy: policy.clone() });
        }
    }
}

fn is_asked(table: &Table<'_>, name: &Identifier) -> bool {
    table.desired.policies.iter().any(|asked| asked.policy.name == *name)
}

/// Kind and command of a policy cannot be altered, nor can a condition be taken from it.
fn alter(
    table: &Table<'_>,
    DesiredPolicy { policy, asked }: &DesiredPolicy,
    canonical: Option<&Policy<Canonical>>,
    Held { policy: found, stamp, .. }: &Held,
    changes: &mut Vec<Change>,
) {
    let name = || table.desired.table.clone();
    let same = canonical.is_some_and(|asked| same(asked, found));
    let mends = stamp.as_ref().is_some_and(|stamp| stamp.asked == *asked);
    let alterable = policy.kind == found.kind
        && policy.command() == found.command()
        && policy.using().is_some() == found.using().is_some()
        && policy.with_check().is_some() == found.with_check().is_some();
    if !same && alterable {
        changes.push(Change::AlterPolicy { table: name(), was: printed(found), policy: policy.clone(), mends });
    } else if !same {
        let replaced = mends || policy.kind == found.kind && covers(policy, found.command());
        changes.push(Change::DropPolicy { table: name(), policy: printed(found), replaced });
        changes.push(Change::CreatePolicy { table: name(), policy: policy.clone() });
        return;
    }
    comment(table, policy, found, changes);
}

fn comment(table: &Table<'_>, policy: &Policy, found: &Policy<Canonical>, changes: &mut Vec<Change>) {
    if policy.comment != found.comment {
        let (comment, was) = (policy.comment.clone(), found.comment.clone());
        let (table, name) = (table.desired.table.clone(), policy.name.clone());
        changes.push(Change::CommentPolicy { table, name, comment, was });
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
) -> Option<(&'a Identifier, &'a Held)> {
    let canonical = canonical?;
    let is_old = |(name, held): &(&Identifier, &Held)| {
        held.stamp.is_some() && !taken.contains(name) && !is_asked(table, name) && same(canonical, &held.policy)
    };
    table.actual.policies.iter().find(is_old)
}

/// Whether restrictive policies that are asked for hold for every command of one that goes.
fn replaced(table: &Table<'_>, gone: &Policy<Canonical>) -> bool {
    let restrictive = || {
        table.desired.policies.iter().map(|asked| &asked.policy).filter(|policy| policy.kind == PolicyKind::Restrictive)
    };
    let commands = if gone.command() == Command::All { Command::EACH.to_vec() } else { vec![gone.command()] };
    commands.into_iter().all(|command| restrictive().any(|policy| covers(policy, command)))
}

fn covers(policy: &Policy, command: Command) -> bool {
    policy.command() == command || policy.command() == Command::All
}

/// As the server prints it, for showing and for putting back.
fn printed(policy: &Policy<Canonical>) -> Policy {
    policy.map(Canonical::to_expression)
}
