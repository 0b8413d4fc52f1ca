//! The sign and the word of each change: one for people, one for programs.

use crate::schema::plan::{
    Change, ColumnChange, DistributionChange, DomainChange, ForeignKeyChange, FunctionChange,
    IndexChange, PolicyChange, PrivilegeChange, RoleChange, RowSecurityChange, SigningChange,
    TableChange, UsageChange,
};

/// What a change does to the object that it names.
#[derive(Clone, Copy)]
pub(super) enum Sign {
    Added,
    Changed,
    Removed,
}

use Sign::{Added, Changed, Removed};

/// The sign, and the word in JSON, which is stable.
pub(super) fn word(change: &Change) -> (Sign, &'static str) {
    match change {
        Change::Role(_, change) => role(change),
        Change::Table(_, change) => of_table(change),
        Change::Schema(_, UsageChange::Grant { .. }) => (Added, "grant_schema"),
        Change::Schema(_, UsageChange::Revoke { .. }) => (Removed, "revoke_schema"),
        Change::Sequence(_, UsageChange::Grant { .. }) => (Added, "grant_sequence"),
        Change::Sequence(_, UsageChange::Revoke { .. }) => (Removed, "revoke_sequence"),
        Change::Domain(_, change) => domain(change),
        Change::Function(_, change) => function(change),
    }
}

fn role(change: &RoleChange) -> (Sign, &'static str) {
    match change {
        RoleChange::Create { .. } => (Added, "create_role"),
        RoleChange::Alter { .. } => (Changed, "alter_role"),
        RoleChange::RevokeMembership { .. } => (Removed, "revoke_membership"),
        RoleChange::EndInheritance { .. } => (Removed, "end_inheritance"),
    }
}

fn of_table(change: &TableChange) -> (Sign, &'static str) {
    match change {
        TableChange::Column(_, change) => column(change),
        TableChange::ForeignKey(change) => foreign_key(change),
        TableChange::Index(change) => index(change),
        TableChange::RowSecurity(change) => row_security(*change),
        TableChange::Policy(change) => policy(change),
        TableChange::Privilege(change) => privilege(change),
        TableChange::CreateAudit => (Added, "create_audit"),
        TableChange::DropAudit => (Removed, "drop_audit"),
        TableChange::Signing(change) => signing(change),
        TableChange::Distribution(DistributionChange::Distribute { .. }) => (Changed, "distribute"),
        TableChange::Distribution(DistributionChange::Undistribute) => (Changed, "undistribute"),
    }
}

fn column(change: &ColumnChange) -> (Sign, &'static str) {
    match change {
        ColumnChange::Add { .. } => (Added, "add_owner_column"),
        ColumnChange::Drop => (Removed, "drop_column"),
        ColumnChange::SetNotNull { .. } => (Changed, "set_not_null"),
        ColumnChange::DropNotNull => (Changed, "drop_not_null"),
        ColumnChange::SetDefault { .. } => (Changed, "set_default"),
    }
}

fn index(change: &IndexChange) -> (Sign, &'static str) {
    match change {
        IndexChange::Create { .. } => (Added, "create_index"),
        IndexChange::CreateUnique { .. } => (Added, "create_unique_index"),
        IndexChange::Drop { .. } | IndexChange::DropInvalid { .. } => (Removed, "drop_index"),
        IndexChange::DropUnique { .. } => (Removed, "drop_unique_index"),
    }
}

fn foreign_key(change: &ForeignKeyChange) -> (Sign, &'static str) {
    match change {
        ForeignKeyChange::Add { .. } => (Added, "add_foreign_key"),
        ForeignKeyChange::Bind { was: None, .. } => (Added, "bind_foreign_key"),
        ForeignKeyChange::Bind { .. } => (Changed, "bind_foreign_key"),
        ForeignKeyChange::Drop { .. } => (Removed, "drop_foreign_key"),
        ForeignKeyChange::Replace { .. } => (Changed, "replace_foreign_key"),
        ForeignKeyChange::Restore { .. } => (Added, "restore_foreign_key"),
        ForeignKeyChange::Validate { .. } => (Changed, "validate_foreign_key"),
    }
}

fn row_security(change: RowSecurityChange) -> (Sign, &'static str) {
    match change {
        RowSecurityChange::Enable => (Added, "enable_row_security"),
        RowSecurityChange::Disable => (Removed, "disable_row_security"),
        RowSecurityChange::Force => (Added, "force_row_security"),
        RowSecurityChange::NoForce => (Removed, "no_force_row_security"),
        RowSecurityChange::LiftForce => (Changed, "lift_force"),
        RowSecurityChange::RestoreForce => (Changed, "restore_force"),
    }
}

fn policy(change: &PolicyChange) -> (Sign, &'static str) {
    match change {
        PolicyChange::Create { .. } => (Added, "create_policy"),
        PolicyChange::Drop { .. } => (Removed, "drop_policy"),
        PolicyChange::Alter { .. } => (Changed, "alter_policy"),
        PolicyChange::Rename { .. } => (Changed, "rename_policy"),
        PolicyChange::Comment { .. } => (Changed, "comment_policy"),
    }
}

fn privilege(change: &PrivilegeChange) -> (Sign, &'static str) {
    match change {
        PrivilegeChange::Grant { .. } => (Added, "grant"),
        PrivilegeChange::Widen { .. } => (Added, "widen_grant"),
        PrivilegeChange::Revoke { .. } => (Removed, "revoke"),
        PrivilegeChange::GrantColumns { .. } => (Added, "grant_columns"),
        PrivilegeChange::RevokeColumns { .. } => (Removed, "revoke_columns"),
    }
}

fn domain(change: &DomainChange) -> (Sign, &'static str) {
    match change {
        DomainChange::Create { .. } => (Added, "create_domain"),
        DomainChange::Drop { .. } => (Removed, "drop_domain"),
        DomainChange::Alter { .. } => (Changed, "alter_domain"),
        DomainChange::Own => (Changed, "own_domain"),
    }
}

fn function(change: &FunctionChange) -> (Sign, &'static str) {
    match change {
        FunctionChange::Create { .. } => (Added, "create_function"),
        FunctionChange::Drop { .. } => (Removed, "drop_function"),
        FunctionChange::Replace { .. } => (Changed, "replace_function"),
        FunctionChange::Restore { .. } => (Changed, "restore_function"),
        FunctionChange::Grant { .. } => (Added, "grant_function"),
        FunctionChange::Revoke { .. } => (Removed, "revoke_function"),
        FunctionChange::Own => (Changed, "own_function"),
    }
}

fn signing(change: &SigningChange) -> (Sign, &'static str) {
    match change {
        SigningChange::CreateKeys => (Added, "create_keys"),
        SigningChange::DropKeys => (Removed, "drop_keys"),
        SigningChange::CloseKeys { .. } => (Removed, "close_keys"),
        SigningChange::CreateVerified => (Added, "create_verified"),
        SigningChange::DropVerified => (Removed, "drop_verified"),
        SigningChange::ReplaceVerified { .. } => (Changed, "replace_verified"),
        SigningChange::RestoreVerified { .. } => (Changed, "restore_verified"),
        SigningChange::Own => (Changed, "own_signing"),
    }
}
