use crate::name::{Identifier, Schemas, TableName};

/// A change of the function that adds a row to the audit table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FunctionChange {
    /// Create the function, and let nobody but its owner execute it.
    Create {
        /// The audit table.
        audit: TableName,
    },
    /// Drop the function.
    Drop {
        /// The audit table.
        audit: TableName,
    },
    /// Replace a function that differs. Its owner and its privileges stay.
    Replace {
        /// The audit table.
        audit: TableName,
        /// The function, as `pg_get_functiondef` prints it.
        was: String,
    },
    /// Replace the function by another one, as it was.
    Restore {
        /// The audit table.
        audit: TableName,
        /// The function, as `pg_get_functiondef` printed it.
        definition: String,
    },
    /// Grant `EXECUTE`.
    Grant {
        /// The role that gets it.
        role: Identifier,
    },
    /// Revoke `EXECUTE`.
    Revoke {
        /// The role that loses it.
        role: Identifier,
    },
    /// Make the login that migrates the function's owner.
    Own,
}

impl FunctionChange {
    pub(super) fn reverse(&self) -> Option<Self> {
        match self.clone() {
            Self::Create { audit } => Some(Self::Drop { audit }),
            Self::Drop { audit } => Some(Self::Create { audit }),
            Self::Replace { audit, was } => Some(Self::Restore {
                audit,
                definition: was,
            }),
            Self::Restore { audit, definition } => Some(Self::Replace {
                audit,
                was: definition,
            }),
            Self::Grant { role } => Some(Self::Revoke { role }),
            Self::Revoke { role } => Some(Self::Grant { role }),
            Self::Own => None,
        }
    }

    pub(super) fn in_schema(&self, schemas: &Schemas) -> Self {
        let mut change = self.clone();
        match &mut change {
            Self::Create { audit }
            | Self::Drop { audit }
            | Self::Replace { audit, .. }
            | Self::Restore { audit, .. } => *audit = audit.found_in(schemas),
            Self::Grant { .. } | Self::Revoke { .. } | Self::Own => {}
        }

        change
    }
}
