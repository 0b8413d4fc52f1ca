use crate::name::{Identifier, Schemas, TableName};

/// What the function does that adds a row to the audit table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDefinition {
    /// The audit table.
    pub audit: TableName,
    /// The view that verifies signed contexts, if actor, reason and user are taken from it. The function
    /// then runs with its owner's rights, and nobody else adds rows. `None` if the table's defaults
    /// take them from settings.
    pub verified: Option<TableName>,
}

/// A change of the function that adds a row to the audit table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FunctionChange {
    /// Create the function, and let nobody but its owner execute it.
    Create {
        /// What it does.
        record: RecordDefinition,
    },
    /// Drop the function.
    Drop {
        /// What it does.
        record: RecordDefinition,
    },
    /// Replace a function that differs. Its owner and its privileges stay.
    Replace {
        /// What it does.
        record: RecordDefinition,
        /// The function, as `pg_get_functiondef` prints it.
        was: String,
    },
    /// Replace the function by another one, as it was.
    Restore {
        /// What it does.
        record: RecordDefinition,
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
            Self::Create { record } => Some(Self::Drop { record }),
            Self::Drop { record } => Some(Self::Create { record }),
            Self::Replace { record, was } => Some(Self::Restore {
                record,
                definition: was,
            }),
            Self::Restore { record, definition } => Some(Self::Replace {
                record,
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
            Self::Create { record }
            | Self::Drop { record }
            | Self::Replace { record, .. }
            | Self::Restore { record, .. } => {
                record.audit = record.audit.found_in(schemas);
                record.verified = record.verified.as_ref().map(|it| it.found_in(schemas));
            }
            Self::Grant { .. } | Self::Revoke { .. } | Self::Own => {}
        }

        change
    }
}
