use crate::name::Identifier;

/// A change of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexChange {
    /// Create an index that the policies need.
    Create {
        /// Its columns.
        columns: Vec<Identifier>,
        /// For a partial index, the boolean column that is true in every row it holds.
        only: Option<Identifier>,
    },
    /// Drop an index that [`IndexChange::Create`] made.
    Drop {
        /// Its columns.
        columns: Vec<Identifier>,
        /// For a partial index, the boolean column that is true in every row it holds.
        only: Option<Identifier>,
    },
}

impl IndexChange {
    /// The name of the index that [`IndexChange::Create`] makes on this table.
    pub(crate) fn name(&self, table: &Identifier) -> Identifier {
        let (Self::Create { columns, only } | Self::Drop { columns, only }) = self;
        let words: Vec<&str> = columns.iter().map(Identifier::as_str).collect();
        let suffix = if only.is_some() { "only_idx" } else { "idx" };

        Identifier::joined(table, &format!("{}_{suffix}", words.join("_")))
    }

    pub(super) fn reverse(&self) -> Self {
        match self.clone() {
            Self::Create { columns, only } => Self::Drop { columns, only },
            Self::Drop { columns, only } => Self::Create { columns, only },
        }
    }
}
