//! What the migrations would change and no finding reports yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctor::case::Case;
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::model::privilege::Privilege;
use crate::schema::plan::Change;

/// Runs last: a change whose statements are a finding's remedy is reported.
pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let remedies: BTreeSet<&String> = findings
        .iter()
        .filter_map(|finding| match &finding.remedy {
            Remedy::Sql(statements) => Some(statements),
            _ => None,
        })
        .flatten()
        .collect();

    let mut objects: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for change in case.plan.iter().flat_map(|plan| plan.changes()) {
        let statements = change.sql();
        let is_remedy = statements
            .iter()
            .all(|statement| remedies.contains(statement));

        if is_remedy || has_own_rule(case, change) {
            continue;
        }

        objects
            .entry(object(change))
            .or_default()
            .extend(statements);
    }

    for (object, statements) in objects {
        let why = format!("the migrations would run `{}`", statements.join("; "));
        findings.push(Finding::new(&rules::RLS107, object, why, Remedy::Migrate));
    }
}

fn object(change: &Change) -> String {
    match change {
        Change::AlterRole { role, .. } | Change::CreateRole { role, .. } => role.to_string(),
        Change::GrantSchema { schema, .. } | Change::RevokeSchema { schema, .. } => {
            schema.to_string()
        }
        Change::GrantSequence { sequence, .. } | Change::RevokeSequence { sequence, .. } => {
            sequence.to_string()
        }
        other => other.table().map(ToString::to_string).unwrap_or_default(),
    }
}

fn has_own_rule(case: &Case<'_>, change: &Change) -> bool {
    let audit = case.audit().0;
    match change {
        Change::Revoke { table, .. } | Change::RevokeColumns { table, .. } if *table == audit => {
            true
        }
        Change::Grant { table, .. } | Change::GrantColumns { table, .. } if *table == audit => true,
        Change::EnableRowSecurity { .. }
        | Change::ForceRowSecurity { .. }
        // Only around another change.
        | Change::LiftForce { .. }
        | Change::RestoreForce { .. }
        | Change::CreatePolicy { .. }
        | Change::AlterPolicy { .. }
        | Change::AddOwnerColumn { .. }
        | Change::SetNotNull { .. }
        | Change::SetDefault { .. }
        | Change::CreateAudit { .. } => true,
        Change::RevokeMembership { member, .. } => member == case.config.app_role(),
        // Without a right to read passwords, a configured one would be set on each run.
        Change::AlterRole { attributes, .. } => {
            let own = ["NOINHERIT", "LOGIN"];
            !attributes.iter().any(|attribute| own.contains(attribute))
        }
        Change::Revoke { privileges, .. } => privileges
            .iter()
            .all(|privilege| !Privilege::READ_WRITE.contains(privilege)),
        // A policy that is dropped to be created otherwise is a finding of RLS106.
        Change::DropPolicy { replaced, .. } => *replaced,
        _ => false,
    }
}
