//! Expressions of policies and defaults, as data.

use sea_orm::sea_query::{Condition, Expr};

use crate::model::key::KeyType;
use crate::name::{Identifier, Schemas, SettingName, TableName};

/// A condition on a row, or the value of a default, as asked for.
///
/// The named forms are what declared scopes ask for; a policy of one's own is a `sea_query::Expr`,
/// which converts into one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Expression {
    /// `true`.
    True,
    /// `false`.
    False,
    /// All of them hold.
    All(Vec<Expression>),
    /// Any of them holds.
    Any(Vec<Expression>),
    /// The column is the current key of a setting: the user's, the tenant's.
    IsCurrent {
        /// The column.
        column: Identifier,
        /// The setting that carries the key.
        setting: SettingName,
        /// The type of the key.
        key: KeyType,
    },
    /// The current key itself, `NULL` where there is none.
    Current {
        /// The setting that carries the key.
        setting: SettingName,
        /// The type of the key.
        key: KeyType,
    },
    /// The boolean column is true.
    IsTrue(Identifier),
    /// The row is not marked as deleted: the column is NULL, or was set by this very transaction's
    /// clock. Without the second, the statement that marks a row would be refused, since the new
    /// row must pass `SELECT` policies.
    NotDeleted(Identifier),
    /// The column refers to a row of another table on which a condition holds.
    Through {
        /// The column.
        column: Identifier,
        /// The table it refers to.
        parent: TableName,
        /// The column it refers to.
        parent_column: Identifier,
        /// The condition on that row.
        holds: Box<Expression>,
    },
    /// An expression built with sea-query. Name tables outside `search_path` with their schema.
    Query(Box<Expr>),
    /// SQL as it was written.
    RawSql(String),
}

impl Expression {
    /// SQL taken as it stands: nothing in it is quoted or checked before the server reads it. Never
    /// build it from input.
    #[must_use]
    pub fn raw_sql(sql: impl Into<String>) -> Self {
        Self::RawSql(sql.into())
    }

    /// All of them hold; one alone stands for itself, none is `true`.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, Self::True, Self::False, Self::All)
    }

    /// Any of them holds; one alone stands for itself, none is `false`.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, Self::False, Self::True, Self::Any)
    }

    /// The same with a schema where a table's name says none.
    pub(crate) fn in_schema(&self, schemas: &Schemas) -> Self {
        let each = |parts: &[Self]| parts.iter().map(|part| part.in_schema(schemas)).collect();
        match self {
            Self::All(parts) => Self::All(each(parts)),
            Self::Any(parts) => Self::Any(each(parts)),
            Self::Through {
                column,
                parent,
                parent_column,
                holds,
            } => Self::Through {
                column: column.clone(),
                parent: parent.found_in(schemas),
                parent_column: parent_column.clone(),
                holds: Box::new(holds.in_schema(schemas)),
            },
            other => other.clone(),
        }
    }

    /// `neutral` changes nothing, `decisive` decides all.
    fn joined(
        parts: impl IntoIterator<Item = Self>,
        neutral: Self,
        decisive: Self,
        several: fn(Vec<Self>) -> Self,
    ) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for part in parts {
            if part == decisive {
                return decisive;
            }

            if part != neutral && !kept.contains(&part) {
                kept.push(part);
            }
        }

        match kept.len() {
            0 => neutral,
            1 => kept.swap_remove(0),
            _ => several(kept),
        }
    }
}

impl From<Expr> for Expression {
    fn from(expr: Expr) -> Self {
        Self::Query(Box::new(expr))
    }
}

impl From<Condition> for Expression {
    fn from(condition: Condition) -> Self {
        Self::Query(Box::new(condition.into()))
    }
}

impl From<bool> for Expression {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}
