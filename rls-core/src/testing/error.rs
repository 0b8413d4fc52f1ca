use sea_orm::{DbErr, RuntimeErr};

use crate::error::{GateError, RlsError};
use crate::model::context::ContextError;
use crate::name::NameError;

/// Why no proof could be begun.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// No registered entity is scoped.
    #[error(
        "no registered entity is scoped, so there is nothing to prove: derive `UserScoped` and the \
         like, and list the entities"
    )]
    NothingScoped,
    /// Row security is switched off.
    #[error("row security is switched off (RLS_ENABLED), so there is nothing to prove")]
    NotEnabled,
    /// The application's connection knows other tables than the proof.
    #[error(
        "the proof and the application's connection know different tables ({tables}): make both \
         from one registry, so \
         that none is left out"
    )]
    OtherTables {
        /// Those that one of them lacks, or knows otherwise.
        tables: String,
    },
    /// The application's login sees every row, or can come to.
    #[error("as this login nothing can be proved: {0}")]
    Bypasses(GateError),
    /// The proof's own login may not act as the application's.
    #[error(
        "the login `{login}` that makes the rows may not act as `{role}`: give the migrations' \
         login, or \
         `GRANT \"{role}\" TO \"{login}\"`"
    )]
    CannotAct {
        /// The login.
        login: String,
        /// The application's role.
        role: String,
    },
    /// The proof's own login does not see every row.
    #[error(
        "the login that makes the rows does not see all of table `{table}`, and may not change \
         that: give the \
         migrations' login, which owns it, or a superuser"
    )]
    Hidden {
        /// The table.
        table: String,
    },
    /// The two users are one.
    #[error(
        "`users` was given two contexts that agree in `{setting}`: the two must differ in every \
         setting"
    )]
    Same {
        /// The setting.
        setting: String,
    },
    /// The proof was given a table, or the column of one, whose name PostgreSQL would not keep.
    #[error("table `{table}`: {source}")]
    Name {
        /// The table.
        table: String,
        /// What is wrong with the name.
        source: NameError,
    },
    /// A context cannot be carried.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// What else can fail.
    #[error(transparent)]
    Rls(#[from] RlsError),
}

impl From<sqlx::Error> for ProofError {
    fn from(error: sqlx::Error) -> Self {
        Self::Rls(RlsError::from(DbErr::Query(RuntimeErr::SqlxError(
            error.into(),
        ))))
    }
}

/// Why one table could not be tried, or why nothing could.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Of this table alone.
    Table(String),
    /// A constraint of the table does not let the row be.
    Constraint(String),
    Fatal(ProofError),
}

impl<E: Into<ProofError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Fatal(error.into())
    }
}
