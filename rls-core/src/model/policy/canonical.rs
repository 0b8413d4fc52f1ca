use crate::model::expression::Expression;

/// An expression as the server prints it; made from its answers alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Canonical(String);

impl Canonical {
    /// What the server printed.
    pub(crate) fn printed(text: String) -> Self {
        Self(text)
    }

    /// The text, for fingerprints and for putting back what was there; with every name outside
    /// `pg_catalog` qualified.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn to_expression(&self) -> Expression {
        Expression::RawSql(self.0.clone())
    }
}
