use super::{Change, Plan};
use crate::name::Identifier;

impl Plan {
    /// The plan that undoes this one, last change first. Roles stay: they belong to the cluster,
    /// and another database may use them.
    #[must_use]
    pub fn reverse(&self) -> Self {
        Self {
            changes: self
                .changes
                .iter()
                .rev()
                .filter_map(Change::reverse)
                .collect(),
            unmanaged: Vec::new(),
        }
    }
}

impl Change {
    /// The change that undoes this one; `None` for roles, which stay.
    #[must_use]
    pub fn reverse(&self) -> Option<Self> {
        Some(match self.clone() {
            // What was in a dropped column or table is gone: the reverse of a reverse is not asked
            // for.
            Self::CreateRole { .. }
            | Self::AlterRole { .. }
            | Self::RevokeMembership { .. }
            | Self::EndInheritance { .. }
            | Self::DropColumn { .. }
            | Self::ValidateForeignKey { .. }
            | Self::SetNotNull {
                unproven: Some(_), ..
            }
            | Self::DropAudit { .. } => return None,
            Self::CreateAudit { table } => Self::DropAudit { table },
            Self::GrantColumns {
                table,
                role,
                privilege,
                columns,
            } => Self::RevokeColumns {
                table,
                role,
                privilege,
                columns,
            },
            Self::RevokeColumns {
                table,
                role,
                privilege,
                columns,
            } => Self::GrantColumns {
                table,
                role,
                privilege,
                columns,
            },
            Self::LiftForce { table } => Self::RestoreForce { table },
            Self::RestoreForce { table } => Self::LiftForce { table },
            Self::AddOwnerColumn { table, column, .. } => Self::DropColumn { table, column },
            Self::SetNotNull { table, column, .. } => Self::DropNotNull { table, column },
            Self::DropNotNull { table, column } => Self::SetNotNull {
                table,
                column,
                backfill: None,
                unproven: None,
            },
            Self::SetDefault {
                table,
                column,
                default,
                was,
            } => Self::SetDefault {
                table,
                column,
                default: was,
                was: default,
            },
            Self::DropForeignKey {
                table,
                name,
                definition,
            } => Self::RestoreForeignKey {
                table,
                name,
                definition,
            },
            Self::RestoreForeignKey {
                table,
                name,
                definition,
            } => Self::DropForeignKey {
                table,
                name,
                definition,
            },
            Self::AddForeignKey { table, column, .. } => {
                let name = Identifier::joined(&table.table, &format!("{column}_fkey"));
                Self::DropForeignKey {
                    table,
                    name,
                    definition: String::new(),
                }
            }
            Self::CreateIndex {
                table,
                columns,
                only,
            } => Self::DropIndex {
                table,
                columns,
                only,
            },
            Self::DropIndex {
                table,
                columns,
                only,
            } => Self::CreateIndex {
                table,
                columns,
                only,
            },
            Self::EnableRowSecurity { table, enable } => Self::EnableRowSecurity {
                table,
                enable: !enable,
            },
            Self::ForceRowSecurity { table, force } => Self::ForceRowSecurity {
                table,
                force: !force,
            },
            Self::DropPolicy { table, policy, .. } => Self::CreatePolicy { table, policy },
            Self::CreatePolicy { table, policy } => Self::DropPolicy {
                table,
                policy,
                replaced: false,
            },
            Self::AlterPolicy {
                table, was, policy, ..
            } => Self::AlterPolicy {
                table,
                was: policy,
                policy: was,
                mends: false,
            },
            Self::RenamePolicy { table, was, name } => Self::RenamePolicy {
                table,
                was: name,
                name: was,
            },
            Self::CommentPolicy {
                table,
                name,
                comment,
                was,
            } => Self::CommentPolicy {
                table,
                name,
                comment: was,
                was: comment,
            },
            Self::Revoke {
                table,
                role,
                privileges,
            } => Self::Grant {
                table,
                role,
                privileges,
            },
            Self::Grant {
                table,
                role,
                privileges,
            } => Self::Revoke {
                table,
                role,
                privileges,
            },
            Self::GrantSchema { schema, role } => Self::RevokeSchema { schema, role },
            Self::RevokeSchema { schema, role } => Self::GrantSchema { schema, role },
            Self::GrantSequence { sequence, role } => Self::RevokeSequence { sequence, role },
            Self::RevokeSequence { sequence, role } => Self::GrantSequence { sequence, role },
        })
    }
}
