//! Expressions as the server prints them.

use crate::model::expression::Expression;

/// An expression as the server prints it. Only answers of the server become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Canonical(String);

impl Canonical {
    /// Wraps what the server printed.
    pub(crate) fn printed(text: String) -> Self {
        Self(text)
    }

    /// The text, for fingerprints and for policies that are put back. Every name outside
    /// `pg_catalog` has its schema.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn to_expression(&self) -> Expression {
        Expression::RawSql(self.0.clone())
    }
}
