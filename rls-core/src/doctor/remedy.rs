use std::fmt;

/// How to repair what a finding reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Statements to run as the migrations' login, in order.
    Sql(Vec<String>),
    /// A line of Rust.
    Rust(String),
    /// The migrations: they make the repair, and write the fingerprints that the gate compares.
    Migrate,
    /// Advice, if only a person can decide.
    Words(String),
}

impl Remedy {
    pub(super) fn sql(statement: impl Into<String>) -> Self {
        Self::Sql(vec![statement.into()])
    }

    pub(super) fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }

    /// The kind, for programs to read: `sql`, `rust`, `migrate` or `words`. These words are stable.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sql(_) => "sql",
            Self::Rust(_) => "rust",
            Self::Migrate => "migrate",
            Self::Words(_) => "words",
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(statements) => write!(f, "{};", statements.join("; ")),
            Self::Rust(text) | Self::Words(text) => f.write_str(text),
            Self::Migrate => {
                f.write_str("run the migrations (`sea-orm-cli migrate up`, or `RlsSchema::sync`)")
            }
        }
    }
}
