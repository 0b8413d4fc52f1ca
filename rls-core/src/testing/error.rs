//! Errors of a proof.

use sea_orm::{DbErr, RuntimeErr};

use crate::debug::debug_is_display;
use crate::error::{GateError, RlsError};
use crate::model::context::ContextError;
use crate::name::NameError;

/// Nothing can be proved.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// No registered entity has a scope.
    #[error(
        "no registered entity is scoped, so there is nothing to prove: derive `UserScoped` and the \
         like, and list the entities"
    )]
    NothingScoped,
    /// Row-level security is switched off.
    #[error("row security is switched off (RLS_ENABLED), so there is nothing to prove")]
    NotEnabled,
    /// Citus distributes the tables.
    #[error(
        "the proof makes rows in a transaction that it rolls back, and on Citus the application's role \
         reads {tables} in sessions that do not see them: prove it on a PostgreSQL without Citus, where \
         `distribute` gives the same policies"
    )]
    OnCitus {
        /// The tables that say `distribute`.
        tables: String,
    },
    /// The proof and the application's connection have different registries.
    #[error(
        "the proof and the application's connection know different tables ({tables}): make both \
         from one registry, so that none is left out"
    )]
    OtherTables {
        /// The tables that differ, or that one of them lacks.
        tables: String,
    },
    /// The application's login sees every row, or can.
    #[error("as this login nothing can be proved: {0}")]
    Bypasses(GateError),
    /// The login that makes the rows may not act as the application's role.
    #[error(
        "the login `{login}` that makes the rows may not act as `{role}`: give the migrations' \
         login, or `GRANT \"{role}\" TO \"{login}\"`"
    )]
    CannotAct {
        /// The login.
        login: String,
        /// The application's role.
        role: String,
    },
    /// The login that makes the rows does not see all of them.
    #[error(
        "the login that makes the rows does not see all of table `{table}`, and may not change \
         that: give the migrations' login, which owns it, or a superuser"
    )]
    Hidden {
        /// The table.
        table: String,
    },
    /// The two users are the same.
    #[error(
        "`users` was given two contexts that agree in `{setting}`: the two must differ in every \
         setting"
    )]
    Same {
        /// The setting.
        setting: String,
    },
    /// PostgreSQL would not keep the name of a table that the proof was given, or of one of its
    /// columns.
    #[error("table `{table}`: {source}")]
    Name {
        /// The table.
        table: String,
        /// What is wrong with the name.
        source: NameError,
    },
    /// A row that a test asks for cannot be made.
    #[error("no row of table `{table}` was made for the test: {reason}")]
    NoRow {
        /// The table.
        table: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A context cannot be carried by settings.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// Any other error.
    #[error(transparent)]
    Rls(#[from] RlsError),
}

debug_is_display!(ProofError);

impl From<sqlx::Error> for ProofError {
    fn from(error: sqlx::Error) -> Self {
        Self::Rls(RlsError::from(DbErr::Query(RuntimeErr::SqlxError(
            error.into(),
        ))))
    }
}

/// The reason why a table cannot be tested, or why nothing can.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The table cannot be tested.
    Table(String),
    /// A constraint of the table refuses the row.
    Constraint(String),
    Fatal(ProofError),
}

impl<E: Into<ProofError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Fatal(error.into())
    }
}
