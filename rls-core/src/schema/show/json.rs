use serde_json::{Value, json};

use crate::schema::plan::{Change, Plan, Unmanaged};

impl Plan {
    /// The plan as JSON:
    /// `{"changes": [{"change", "table", "sql", "weakens"}], "unmanaged": [{"table", "policy"}]}`.
    #[must_use]
    pub fn json(&self) -> String {
        let changes: Vec<Value> = self.changes.iter().map(change).collect();
        let unmanaged: Vec<Value> = self.unmanaged.iter().map(unmanaged).collect();
        json!({ "changes": changes, "unmanaged": unmanaged }).to_string()
    }
}

fn change(change: &Change) -> Value {
    json!({
        "change": change.word(),
        "table": change.table().map(ToString::to_string),
        "sql": change.sql(),
        "weakens": change.weakens(),
    })
}

fn unmanaged(unmanaged: &Unmanaged) -> Value {
    match unmanaged {
        Unmanaged::Policy { table, policy } => {
            json!({ "table": table.to_string(), "policy": policy.as_str() })
        }
        Unmanaged::Table { table } => json!({ "table": table.to_string(), "policy": null }),
    }
}

impl Change {
    /// The variant's name in snake case: stable, for programs to read.
    fn word(&self) -> &'static str {
        match self {
            Self::CreateRole { .. } => "create_role",
            Self::AlterRole { .. } => "alter_role",
            Self::RevokeMembership { .. } => "revoke_membership",
            Self::EndInheritance { .. } => "end_inheritance",
            Self::LiftForce { .. } => "lift_force",
            Self::RestoreForce { .. } => "restore_force",
            Self::AddOwnerColumn { .. } => "add_owner_column",
            Self::DropColumn { .. } => "drop_column",
            Self::SetNotNull { .. } => "set_not_null",
            Self::DropNotNull { .. } => "drop_not_null",
            Self::SetDefault { .. } => "set_default",
            Self::DropForeignKey { .. } => "drop_foreign_key",
            Self::RestoreForeignKey { .. } => "restore_foreign_key",
            Self::AddForeignKey { .. } => "add_foreign_key",
            Self::ValidateForeignKey { .. } => "validate_foreign_key",
            Self::CreateIndex { .. } => "create_index",
            Self::DropIndex { .. } => "drop_index",
            Self::EnableRowSecurity { .. } => "enable_row_security",
            Self::ForceRowSecurity { .. } => "force_row_security",
            Self::DropPolicy { .. } => "drop_policy",
            Self::CreatePolicy { .. } => "create_policy",
            Self::AlterPolicy { .. } => "alter_policy",
            Self::RenamePolicy { .. } => "rename_policy",
            Self::CommentPolicy { .. } => "comment_policy",
            Self::Revoke { .. } => "revoke",
            Self::Grant { .. } => "grant",
            Self::CreateAudit { .. } => "create_audit",
            Self::DropAudit { .. } => "drop_audit",
            Self::GrantColumns { .. } => "grant_columns",
            Self::RevokeColumns { .. } => "revoke_columns",
            Self::GrantSchema { .. } => "grant_schema",
            Self::RevokeSchema { .. } => "revoke_schema",
            Self::GrantSequence { .. } => "grant_sequence",
            Self::RevokeSequence { .. } => "revoke_sequence",
        }
    }
}
