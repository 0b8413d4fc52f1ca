use crate::model::expression::Expression;
use crate::model::key::KeyType;
use crate::name::Identifier;

/// A change of a column.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ColumnChange {
    /// Add a column that names the user or tenant, and fill it in the rows that are there.
    Add {
        /// Its type.
        key: KeyType,
        /// The value of existing rows, as an SQL expression.
        backfill: Option<String>,
    },
    /// Drop a column that was added.
    Drop,
    /// Let the column refuse NULL, and fill it in the rows that have NULL.
    SetNotNull {
        /// The value of rows without one, as an SQL expression.
        backfill: Option<String>,
        /// The `NOT NULL` constraint that is there and is `NOT VALID`: it holds for new rows alone
        /// (since PostgreSQL 18).
        unproven: Option<Identifier>,
    },
    /// Let the column take NULL again.
    DropNotNull,
    /// Set the column's default.
    SetDefault {
        /// The default; `None` drops it.
        default: Option<Expression>,
        /// The default it has now.
        was: Option<Expression>,
    },
}

impl ColumnChange {
    pub(super) fn reverse(&self) -> Option<Self> {
        Some(match self.clone() {
            Self::Add { .. } => Self::Drop,
            Self::Drop
            | Self::SetNotNull {
                unproven: Some(_), ..
            } => return None,
            Self::SetNotNull { .. } => Self::DropNotNull,
            Self::DropNotNull => Self::SetNotNull {
                backfill: None,
                unproven: None,
            },
            Self::SetDefault { default, was } => Self::SetDefault {
                default: was,
                was: default,
            },
        })
    }
}
