//! The expressions of policies and defaults, as data. `crate::sql` makes their SQL.

use sea_orm::sea_query::{Condition, Expr};

use crate::model::key::KeyType;
use crate::name::{Identifier, Schemas, SettingName, TableName};

/// A desired condition on a row, or the desired value of a default.
///
/// Scopes use the named forms. The condition of a policy of your own is a `sea_query::Expr`, which
/// converts into an expression.
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
    /// The column is the current key of a setting: the user's or the tenant's.
    IsCurrent {
        /// The column.
        column: Identifier,
        /// The setting that carries the key.
        setting: SettingName,
        /// The type of the key.
        key: KeyType,
    },
    /// The same in a form without a sub-select, which Citus refuses in a policy.
    IsCurrentOnNode {
        /// The column.
        column: Identifier,
        /// The setting that carries the key.
        setting: SettingName,
        /// The type of the key.
        key: KeyType,
    },
    /// The current key itself; `NULL` if there is none.
    Current {
        /// The setting that carries the key.
        setting: SettingName,
        /// The type of the key.
        key: KeyType,
    },
    /// The boolean column is true.
    IsTrue(Identifier),
    /// The column is NULL.
    IsNull(Identifier),
    /// The row is not marked as deleted: the column is NULL, or not before the start of this
    /// transaction. Without the second, PostgreSQL would refuse the statement that marks a row,
    /// since the new row must pass the `SELECT` policies.
    NotDeleted(Identifier),
    /// The same for a column that stores fewer digits of a second than `now()` has: the type is the
    /// column's, as the server prints it, and `now()` is rounded as the stored value was.
    NotDeletedRounded(Identifier, String),
    /// The column refers to a row of another table, and a condition holds on that row.
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
    /// An expression of sea-query. Name tables outside of `search_path` with their schema.
    Query(Box<Expr>),
    /// SQL that is sent as it is.
    RawSql(String),
    /// The column is the key that the signed context holds.
    IsVerified {
        /// The column.
        column: Identifier,
        /// The setting that the context holds the key by.
        setting: SettingName,
        /// The type of the key.
        key: KeyType,
        /// The view of the signed context.
        verified: TableName,
    },
    /// The condition, which stands before what a statement adds. The server does not take it for an
    /// equality, which it would put behind.
    First(Box<Expression>),
    /// As [`Expression::Through`], in a form that stands before what a statement adds.
    FirstThrough {
        /// The column.
        column: Identifier,
        /// The table it refers to.
        parent: TableName,
        /// The column it refers to.
        parent_column: Identifier,
        /// The condition on that row.
        holds: Box<Expression>,
    },
    /// As [`Expression::NotDeleted`], in a form that stands before what a statement adds. The type is
    /// that of [`Expression::NotDeletedRounded`].
    FirstNotDeleted(Identifier, Option<String>),
    /// An expression whose settings are read from the signed context, by its view.
    OnVerified(Box<Expression>, TableName),
}

impl Expression {
    /// Takes SQL as it is. Nothing in it is quoted or checked before the server reads it. Never
    /// build it from input.
    #[must_use]
    pub fn raw_sql(sql: impl Into<String>) -> Self {
        Self::RawSql(sql.into())
    }

    /// The same expression for a table whose columns have these types, as the server prints them.
    pub(crate) fn with_types(&self, type_of: &impl Fn(&Identifier) -> Option<String>) -> Self {
        let each = |parts: &[Self]| parts.iter().map(|part| part.with_types(type_of)).collect();
        match self {
            Self::All(parts) => Self::All(each(parts)),
            Self::Any(parts) => Self::Any(each(parts)),
            Self::NotDeleted(column) => match type_of(column) {
                Some(rounded) if rounded.starts_with("timestamp(") => {
                    Self::NotDeletedRounded(column.clone(), rounded)
                }
                _ => self.clone(),
            },
            Self::FirstNotDeleted(column, _) => {
                let rounded = type_of(column).filter(|printed| printed.starts_with("timestamp("));
                Self::FirstNotDeleted(column.clone(), rounded)
            }
            other => other.clone(),
        }
    }

    /// The same condition on the keys that a signed context holds, which the view `verified` shows.
    ///
    /// Whoever can inject SQL can change a setting, and no signed context. Each comparison with a
    /// setting stays beside the one with the signed context: the server finds rows by it, in the
    /// order of its index. In front stands a form that the server evaluates before any condition of
    /// a statement (`order_qual_clauses` in `src/backend/optimizer/plan/createplan.c`: it sorts by
    /// cost, and puts an equality behind). A condition through another table finds no rows by an
    /// index, and stands alone.
    pub(crate) fn signed(&self, verified: &TableName) -> Self {
        match self {
            Self::All(parts) => Self::All(parts.iter().map(|part| part.signed(verified)).collect()),
            Self::IsCurrent { .. } => {
                let first = Self::First(Box::new(self.verified(verified)));
                Self::All(vec![first, self.clone()])
            }
            Self::Through {
                column,
                parent,
                parent_column,
                holds,
            } => Self::FirstThrough {
                column: column.clone(),
                parent: parent.clone(),
                parent_column: parent_column.clone(),
                holds: Box::new(holds.verified(verified)),
            },
            Self::NotDeleted(column) => Self::FirstNotDeleted(column.clone(), None),
            _ => self.verified(verified),
        }
    }

    /// The same of a restrictive policy, whose condition no other is joined to with OR: one that a
    /// draft declares may be an equality.
    pub(crate) fn signed_alone(&self, verified: &TableName) -> Self {
        match self {
            Self::All(parts) => Self::All(
                parts
                    .iter()
                    .map(|part| part.signed_alone(verified))
                    .collect(),
            ),
            Self::Query(_) | Self::RawSql(_) => {
                let first = Self::First(Box::new(self.verified(verified)));
                Self::All(vec![first, self.clone()])
            }
            _ => self.signed(verified),
        }
    }

    /// The same condition on the signed context alone.
    fn verified(&self, verified: &TableName) -> Self {
        let each = |parts: &[Self]| parts.iter().map(|part| part.verified(verified)).collect();
        match self {
            Self::All(parts) => Self::All(each(parts)),
            Self::Any(parts) => Self::Any(each(parts)),
            Self::IsCurrent {
                column,
                setting,
                key,
            } => Self::IsVerified {
                column: column.clone(),
                setting: setting.clone(),
                key: *key,
                verified: verified.clone(),
            },
            Self::Through {
                column,
                parent,
                parent_column,
                holds,
            } => Self::Through {
                column: column.clone(),
                parent: parent.clone(),
                parent_column: parent_column.clone(),
                holds: Box::new(holds.verified(verified)),
            },
            Self::Query(_) | Self::RawSql(_) => {
                Self::OnVerified(Box::new(self.clone()), verified.clone())
            }
            other => other.clone(),
        }
    }

    /// Through how many tables, one behind the other, the condition leads.
    pub(crate) fn levels(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().map(Self::levels).max().unwrap_or_default()
            }
            Self::Through { holds, .. } | Self::FirstThrough { holds, .. } => 1 + holds.levels(),
            Self::First(part) | Self::OnVerified(part, _) => part.levels(),
            _ => 0,
        }
    }

    /// The same condition for a table that Citus distributes.
    pub(crate) fn distributed(&self) -> Self {
        let each = |parts: &[Self]| parts.iter().map(Self::distributed).collect();
        match self {
            Self::All(parts) => Self::All(each(parts)),
            Self::Any(parts) => Self::Any(each(parts)),
            Self::IsCurrent {
                column,
                setting,
                key,
            } => Self::IsCurrentOnNode {
                column: column.clone(),
                setting: setting.clone(),
                key: *key,
            },
            other => other.clone(),
        }
    }

    /// Joins the expressions with AND. One is itself, none is `true`.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, Self::True, Self::False, Self::All)
    }

    /// Joins the expressions with OR. One is itself, none is `false`.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, Self::False, Self::True, Self::Any)
    }

    /// The same expression, with a schema for each table that has none.
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
            Self::FirstThrough {
                column,
                parent,
                parent_column,
                holds,
            } => Self::FirstThrough {
                column: column.clone(),
                parent: parent.found_in(schemas),
                parent_column: parent_column.clone(),
                holds: Box::new(holds.in_schema(schemas)),
            },
            Self::First(part) => Self::First(Box::new(part.in_schema(schemas))),
            Self::IsVerified {
                column,
                setting,
                key,
                verified,
            } => Self::IsVerified {
                column: column.clone(),
                setting: setting.clone(),
                key: *key,
                verified: verified.found_in(schemas),
            },
            Self::OnVerified(part, verified) => {
                Self::OnVerified(part.clone(), verified.found_in(schemas))
            }
            other => other.clone(),
        }
    }

    /// Joins the expressions: `neutral` changes nothing, `decisive` decides the whole.
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
