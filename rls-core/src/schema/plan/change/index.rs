use crate::name::Identifier;

/// A change of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexChange {
    /// Create an index that the policies need.
    Create {
        /// Its name, without the schema, which is the table's.
        name: Identifier,
        /// Its columns.
        columns: Vec<Identifier>,
        /// For a partial index, the boolean column that is true in every row it holds.
        only: Option<Identifier>,
    },
    /// Drop an index that [`IndexChange::Create`] made.
    Drop {
        /// Its name.
        name: Identifier,
        /// Its columns.
        columns: Vec<Identifier>,
        /// For a partial index, the boolean column that is true in every row it holds.
        only: Option<Identifier>,
    },
    /// Create a unique index, to which a foreign key with the owner in it can refer.
    CreateUnique {
        /// Its name, without the schema, which is the table's.
        name: Identifier,
        /// Its columns.
        columns: Vec<Identifier>,
    },
    /// Drop an index that [`IndexChange::CreateUnique`] made.
    DropUnique {
        /// Its name.
        name: Identifier,
        /// Its columns.
        columns: Vec<Identifier>,
    },
    /// Drop the invalid index that a `CREATE INDEX CONCURRENTLY` left when it failed, so that
    /// [`IndexChange::Create`] can have its name.
    DropInvalid {
        /// Its name.
        name: Identifier,
    },
}

impl IndexChange {
    /// The name of the index, without the schema, which is the table's.
    #[must_use]
    pub fn name(&self) -> &Identifier {
        match self {
            Self::Create { name, .. }
            | Self::Drop { name, .. }
            | Self::CreateUnique { name, .. }
            | Self::DropUnique { name, .. }
            | Self::DropInvalid { name } => name,
        }
    }

    pub(super) fn reverse(&self) -> Option<Self> {
        Some(match self.clone() {
            Self::Create {
                name,
                columns,
                only,
            } => Self::Drop {
                name,
                columns,
                only,
            },
            Self::Drop {
                name,
                columns,
                only,
            } => Self::Create {
                name,
                columns,
                only,
            },
            Self::CreateUnique { name, columns } => Self::DropUnique { name, columns },
            Self::DropUnique { name, columns } => Self::CreateUnique { name, columns },
            Self::DropInvalid { .. } => return None,
        })
    }
}
