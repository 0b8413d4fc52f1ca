use crate::model::scope::ForeignKey;
use crate::name::{Identifier, Schemas, TableName};

/// A change of a foreign key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ForeignKeyChange {
    /// Add the foreign key to the identity.
    Add {
        /// The constraint.
        name: Identifier,
        /// The column.
        column: Identifier,
        /// The key it refers to.
        foreign_key: ForeignKey,
    },
    /// Put the owner into a foreign key, so that it leads only to rows of the same owner. What else is
    /// said of it stays.
    Bind {
        /// The constraint.
        name: Identifier,
        /// The table it refers to.
        parent: TableName,
        /// Its columns, each with the one that it refers to; the reference is the last.
        columns: Vec<(Identifier, Identifier)>,
        /// The constraint, as `ADD CONSTRAINT` defines it.
        definition: String,
        /// The constraint without the owner, as `pg_get_constraintdef` prints it, if there is one.
        was: Option<String>,
    },
    /// Drop a foreign key beside one that serves.
    Drop {
        /// The constraint.
        name: Identifier,
        /// The constraint, as `pg_get_constraintdef` prints it.
        definition: String,
    },
    /// Give a foreign key the desired action, and have the server check it. What else is said of it,
    /// as `ON UPDATE` or `DEFERRABLE`, stays.
    Replace {
        /// The constraint.
        name: Identifier,
        /// The table it refers to.
        parent: TableName,
        /// The constraint, as `ADD CONSTRAINT` defines it.
        definition: String,
        /// The constraint it is now, as `pg_get_constraintdef` prints it.
        was: String,
    },
    /// Add a foreign key as it was.
    Restore {
        /// The constraint.
        name: Identifier,
        /// The constraint, as `pg_get_constraintdef` printed it.
        definition: String,
    },
    /// Check the rows that were there before the foreign key.
    Validate {
        /// The constraint.
        name: Identifier,
        /// The table it refers to.
        parent: TableName,
    },
}

impl ForeignKeyChange {
    pub(super) fn reverse(&self) -> Option<Self> {
        Some(match self.clone() {
            Self::Add { name, .. } => Self::Drop {
                name,
                definition: String::new(),
            },
            Self::Bind {
                name,
                definition,
                was: None,
                ..
            }
            | Self::Restore { name, definition } => Self::Drop { name, definition },
            Self::Drop { name, definition } => Self::Restore { name, definition },
            Self::Replace {
                name,
                parent,
                definition,
                was,
            }
            | Self::Bind {
                name,
                parent,
                definition,
                was: Some(was),
                ..
            } => Self::Replace {
                name,
                parent,
                definition: was,
                was: definition,
            },
            Self::Validate { .. } => return None,
        })
    }

    pub(super) fn in_schema(&self, schemas: &Schemas) -> Self {
        let mut change = self.clone();
        match &mut change {
            Self::Add { foreign_key, .. } => {
                foreign_key.table = foreign_key.table.found_in(schemas);
            }
            Self::Validate { parent, .. }
            | Self::Replace { parent, .. }
            | Self::Bind { parent, .. } => {
                *parent = parent.found_in(schemas);
            }
            Self::Drop { .. } | Self::Restore { .. } => {}
        }

        change
    }
}
