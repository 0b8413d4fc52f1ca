//! What the migrations would change and no finding reports yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctor::case::Case;
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::model::privilege::Privilege;
use crate::name::TableName;
use crate::schema::plan::{
    Change, ColumnChange, DomainChange, FunctionChange, PolicyChange, PrivilegeChange, RoleChange,
    TableChange,
};

/// Runs last: a change whose statements are a finding's remedy is reported.
pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let remedies: BTreeSet<&String> = findings
        .iter()
        .filter_map(|finding| match &finding.remedy {
            Remedy::Sql { statements, .. } => Some(statements),
            _ => None,
        })
        .flatten()
        .collect();

    let mut objects: BTreeMap<(String, bool), Vec<String>> = BTreeMap::new();
    for change in case.plan.iter().flat_map(|plan| plan.changes()) {
        let statements = change.sql();
        let is_remedy = statements
            .iter()
            .all(|statement| remedies.contains(statement));

        if is_remedy || has_own_rule(case, change) {
            continue;
        }

        objects
            .entry((object(change), is_granted_by_another(case, change)))
            .or_default()
            .extend(statements);
    }

    for ((object, by_another), statements) in objects {
        let why = format!("the migrations would run `{}`", statements.join("; "));
        let remedy = if by_another {
            Remedy::statements(RunAs::Superuser, statements).then_restart()
        } else {
            Remedy::Migrate
        };
        findings.push(Finding::new(&rules::RLS107, object, why, remedy));
    }
}

/// Whether it takes away a membership that another than the migrations' role granted, which only
/// that role and superusers may.
fn is_granted_by_another(case: &Case<'_>, change: &Change) -> bool {
    let grantor = match change {
        Change::Role(_, RoleChange::RevokeMembership { grantor, .. }) => grantor.as_ref(),
        Change::Role(_, RoleChange::EndInheritance { grantor, .. }) => Some(grantor),
        _ => None,
    };

    grantor.is_some_and(|grantor| Some(grantor) != case.migrations_role())
}

fn object(change: &Change) -> String {
    match change {
        Change::Role(role, _) => role.to_string(),
        Change::Table(table, _) => table.to_string(),
        Change::Schema(schema, _) => schema.to_string(),
        Change::Sequence(name, _) | Change::Domain(name, _) | Change::Function(name, _) => {
            name.to_string()
        }
    }
}

fn has_own_rule(case: &Case<'_>, change: &Change) -> bool {
    match change {
        Change::Role(_, change) => role_has_own_rule(case, change),
        Change::Table(table, change) => {
            is_of_columns(case, table, change)
                || table_has_own_rule(*table == case.audit().0, change)
        }
        Change::Domain(_, change) => *change == DomainChange::Own,
        Change::Function(_, change) => *change == FunctionChange::Own,
        Change::Schema(..) | Change::Sequence(..) => false,
    }
}

/// Whether it takes privileges on columns from the application's role, which RLS303 reports of scoped
/// tables.
fn is_of_columns(case: &Case<'_>, table: &TableName, change: &TableChange) -> bool {
    match change {
        TableChange::Privilege(PrivilegeChange::RevokeColumns { role, .. }) => {
            let mut scoped = case.scoped();
            role == case.config.app_role() && scoped.any(|(_, scoped, _)| scoped.name == *table)
        }
        _ => false,
    }
}

fn role_has_own_rule(case: &Case<'_>, change: &RoleChange) -> bool {
    match change {
        RoleChange::RevokeMembership { member, .. } => member == case.config.app_role(),
        // Without a right to read passwords, a configured one would be set on each run.
        RoleChange::Alter { attributes, .. } => {
            let own = ["NOINHERIT", "LOGIN"];
            !attributes.iter().any(|attribute| own.contains(attribute))
        }
        RoleChange::Create { .. } | RoleChange::EndInheritance { .. } => false,
    }
}

fn table_has_own_rule(is_audit: bool, change: &TableChange) -> bool {
    match change {
        TableChange::Privilege(_) if is_audit => true,
        TableChange::Privilege(PrivilegeChange::Revoke { privileges, .. }) => privileges
            .iter()
            .all(|privilege| !Privilege::READ_WRITE.contains(privilege)),
        TableChange::Policy(change) => match change {
            PolicyChange::Create { .. } | PolicyChange::Alter { .. } => true,
            // A policy that is dropped to be created otherwise is a finding of RLS106.
            PolicyChange::Drop { replaced, .. } => *replaced,
            _ => false,
        },
        // Force is lifted and restored only around another change.
        TableChange::RowSecurity(_)
        | TableChange::Column(
            _,
            ColumnChange::Add { .. }
            | ColumnChange::SetNotNull { .. }
            | ColumnChange::SetDefault { .. },
        )
        | TableChange::CreateAudit => true,
        _ => false,
    }
}
