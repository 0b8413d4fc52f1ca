use std::fmt;

use crate::name::Identifier;

/// The login that can run a remedy's statements.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunAs {
    /// This role, which owns what they change, or a superuser.
    Role(Identifier),
    /// A superuser.
    Superuser,
}

impl fmt::Display for RunAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => write!(f, "as `{role}`"),
            Self::Superuser => f.write_str("as a superuser"),
        }
    }
}

/// How to repair what a finding reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Statements to run in order.
    Sql {
        /// The statements.
        statements: Vec<String>,
        /// The login that can run them.
        run_as: RunAs,
        /// What to do after them.
        then: Option<&'static str>,
    },
    /// A line of Rust.
    Rust(String),
    /// The migrations, as the login that runs them: they make the repair, and write the fingerprints
    /// that the gate compares.
    Migrate,
    /// Advice, if only a person can decide.
    Words(String),
}

const RESTART: &str =
    "restart the programs: a statement that they prepared before keeps what it saw";

impl Remedy {
    pub(super) fn sql(run_as: RunAs, statement: impl Into<String>) -> Self {
        Self::statements(run_as, vec![statement.into()])
    }

    pub(super) fn statements(run_as: RunAs, statements: Vec<String>) -> Self {
        Self::Sql {
            statements,
            run_as,
            then: None,
        }
    }

    /// For what a role may do no longer. A statement that was prepared before keeps the rights that
    /// its role had then, on PostgreSQL 15 to 18.
    pub(super) fn then_restart(self) -> Self {
        match self {
            Self::Sql {
                statements, run_as, ..
            } => Self::Sql {
                statements,
                run_as,
                then: Some(RESTART),
            },
            other => other,
        }
    }

    pub(super) fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }

    /// The kind, for programs to read: `sql`, `rust`, `migrate` or `words`. These words are stable.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sql { .. } => "sql",
            Self::Rust(_) => "rust",
            Self::Migrate => "migrate",
            Self::Words(_) => "words",
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql {
                statements,
                run_as,
                then,
            } => {
                write!(f, "{run_as}: {};", statements.join("; "))?;
                then.map_or(Ok(()), |then| write!(f, " then {then}"))
            }
            Self::Rust(text) | Self::Words(text) => f.write_str(text),
            Self::Migrate => f.write_str(
                "as the migrations' login: run the migrations (`sea-orm-cli migrate up`, or \
                     `RlsSchema::sync`)",
            ),
        }
    }
}
