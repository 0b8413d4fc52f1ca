use super::Change;
use crate::model::policy::Policy;
use crate::name::{Schemas, TableName};

impl Change {
    /// The same with a schema where a table's name says none.
    pub(crate) fn in_schema(&self, schemas: &Schemas) -> Self {
        let mut change = self.clone();
        match &mut change {
            Self::ValidateForeignKey { parent, .. } => *parent = parent.found_in(schemas),
            Self::AddForeignKey { foreign_key, .. } => {
                foreign_key.table = foreign_key.table.found_in(schemas)
            }
            Self::CreatePolicy { policy, .. } | Self::AlterPolicy { policy, .. } => {
                *policy = Policy::map(policy, |expression| expression.in_schema(schemas));
            }
            Self::GrantSequence { sequence, .. } | Self::RevokeSequence { sequence, .. } => {
                *sequence = sequence.found_in(schemas);
            }
            _ => {}
        }

        if let Some(table) = change.table_mut() {
            *table = table.found_in(schemas);
        }

        change
    }

    fn table_mut(&mut self) -> Option<&mut TableName> {
        match self {
            Self::LiftForce { table }
            | Self::RestoreForce { table }
            | Self::AddOwnerColumn { table, .. }
            | Self::DropColumn { table, .. }
            | Self::SetNotNull { table, .. }
            | Self::DropNotNull { table, .. }
            | Self::SetDefault { table, .. }
            | Self::DropForeignKey { table, .. }
            | Self::RestoreForeignKey { table, .. }
            | Self::ValidateForeignKey { table, .. }
            | Self::AddForeignKey { table, .. }
            | Self::CreateIndex { table, .. }
            | Self::DropIndex { table, .. }
            | Self::EnableRowSecurity { table, .. }
            | Self::ForceRowSecurity { table, .. }
            | Self::DropPolicy { table, .. }
            | Self::CreatePolicy { table, .. }
            | Self::AlterPolicy { table, .. }
            | Self::RenamePolicy { table, .. }
            | Self::CommentPolicy { table, .. }
            | Self::Revoke { table, .. }
            | Self::Grant { table, .. }
            | Self::CreateAudit { table }
            | Self::DropAudit { table }
            | Self::GrantColumns { table, .. }
            | Self::RevokeColumns { table, .. } => Some(table),
            Self::CreateRole { .. }
            | Self::AlterRole { .. }
            | Self::RevokeMembership { .. }
            | Self::EndInheritance { .. }
            | Self::GrantSchema { .. }
            | Self::RevokeSchema { .. }
            | Self::GrantSequence { .. }
            | Self::RevokeSequence { .. } => None,
        }
    }
}
