use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr, sqlx};

use super::{GateError, SchemaError};
use crate::config::ConfigError;
use crate::entity::DeclarationError;
use crate::model::context::ContextError;
use crate::sqlstate;

/// All that can go wrong with row-level security, told apart by type.
///
/// SeaORM's traits speak [`DbErr`]; [`RlsError::from`] a `&DbErr` finds the kind again, by SQLSTATE
/// and never by a message's text, since servers translate those.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RlsError {
    /// The registered entities contradict each other.
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    /// The configuration cannot hold.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The context cannot be carried.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The database would not keep users' rows apart.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The schema could not be brought to what the entities say.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database is not PostgreSQL.
    #[error("row-level security needs PostgreSQL, and this connection's backend is {backend}")]
    Backend {
        /// What was found.
        backend: String,
    },
    /// A policy refused a row (SQLSTATE 42501).
    #[error("a policy{} refused the row: it is not this context's to write", on(table.as_deref()))]
    PolicyRefused {
        /// The table, where the server's message names it.
        table: Option<String>,
        /// What the server said.
        message: String,
    },
    /// The role has no grant for what it tried (SQLSTATE 42501).
    #[error(
        "the login has no privilege{} for this ({message}): scoped tables are granted by the \
         migration, others by \
         `GRANT` of your own",
        on(table.as_deref())
    )]
    MissingGrant {
        /// The table, where the server's message names it.
        table: Option<String>,
        /// What the server said.
        message: String,
    },
    /// A scoped row was written without a user.
    #[error("no user is set, so a row{} was refused: use `scope(UserContext::new(…))`, not \
             `anonymous()`", on(table.as_deref()))]
    MissingContext {
        /// The table, where the server's message names it.
        table: Option<String>,
    },
    /// SQL text tried to begin or end a transaction in a scope; it did not run.
    #[error(
        "`{statement}` in SQL text would leave the scope, and did not run: use `begin()`, \
         `commit()`, `rollback()`, \
         and a nested `begin()` for a savepoint"
    )]
    TransactionControl {
        /// The statement's first words.
        statement: String,
    },
    /// SQL text tried to change the context of a scope, or held what could hide that it does: a
    /// call by a name in Unicode escapes, a change of `standard_conforming_strings` or
    /// `client_encoding`; it did not run.
    #[error(
        "`{statement}` in SQL text would change the context, or could hide that it does, and did \
         not run: make another scope \
         for another context"
    )]
    ContextChange {
        /// The statement's first words.
        statement: String,
    },
    /// The transaction that carried the context ended under the statements; they no longer run.
    #[error(
        "the transaction has lost its scope ({reason}): nothing more runs in it, and it cannot be \
         committed"
    )]
    ScopeLost {
        /// How.
        reason: String,
    },
    /// A transaction was used while one nested in it was open.
    #[error(
        "a nested transaction is open: what runs on the outer one now would be undone with it; end \
         the nested one first, \
         and begin two of them one after the other"
    )]
    NestedOpen,
    /// A transaction was used while a stream of its rows was alive.
    #[error(
        "a stream of this transaction's rows is alive, and a connection runs one statement at a \
         time: read it to its end or \
         drop it first, or collect its rows"
    )]
    StreamOpen,
    /// SQL text tried to make what outlives its transaction on the pooled connection; it did not
    /// run.
    #[error(
        "`{statement}` in SQL text would outlive the scope, and did not run: the next user of the \
         connection would find \
         it; use `SET LOCAL`, and an ordinary table for a temporary one"
    )]
    OutlivesScope {
        /// The statement's first words.
        statement: String,
    },
    /// A statement would have written in a transaction that only reads (SQLSTATE 25006); it did not
    /// run.
    #[error(
        "the transaction only reads, and this would write ({message}): use a connection or \
         transaction that may write"
    )]
    ReadOnly {
        /// What the server said.
        message: String,
    },
    /// Row security would have hidden rows from a statement that must see all of them (SQLSTATE
    /// 42501, with `row_security` off); it did not run.
    #[error(
        "row security hides rows{} from this login, so the statement was refused instead of \
         passing them over: in a \
         migration use `manager.maintenance([{}], …)`, elsewhere a login that sees all rows",
        on(table.as_deref()),
        table.as_deref().map(|table| format!("\"{table}\"")).unwrap_or_default()
    )]
    RowsHidden {
        /// The table, where the server's message names it.
        table: Option<String>,
        /// What the server said.
        message: String,
    },
    /// An administrator's transaction could not be recorded; it was not begun.
    #[error(
        "the administrator's transaction could not be recorded, and was not begun: {source}; run \
         the migrations, and \
         not on a standby, where nothing can be recorded"
    )]
    AuditFailed {
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// A transaction could not be committed because a statement in it had failed; it was rolled
    /// back.
    #[error(
        "the transaction was rolled back, not committed: a statement in it had failed: {first}"
    )]
    TransactionFailed {
        /// The first failure.
        first: Arc<DbErr>,
    },
    /// The connection ended while the commit was under way: whether it took effect is not known.
    #[error(
        "the connection was lost during the commit, and whether it took effect is not known: \
         {source}"
    )]
    CommitUnknown {
        /// How the connection ended.
        source: Arc<DbErr>,
    },
    /// The server lets this role not in: it is not there, has another password, or may not connect
    /// (SQLSTATE class 28, 3D000, 42501 of severity FATAL).
    #[error(
        "the server refused the login: {source}; the application's role is `RLS_APP_USER` with \
         `RLS_APP_PASSWORD`, the \
         administrator's `RLS_MAINTENANCE_ADMIN` with `RLS_MAINTENANCE_ADMIN_PASSWORD`, and the \
         migrations make both"
    )]
    LoginRefused {
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// The connection to the server ended.
    #[error("the connection to the server was lost: {source}")]
    ConnectionLost {
        /// How.
        source: Arc<DbErr>,
    },
    /// Any other database error.
    #[error(transparent)]
    Database(Arc<DbErr>),
}

fn on(table: Option<&str>) -> String {
    table
        .map(|table| format!(" of table `{table}`"))
        .unwrap_or_default()
}

impl RlsError {
    /// The server's SQLSTATE, where the error came from the server.
    #[must_use]
    pub fn sqlstate(&self) -> Option<String> {
        match self {
            Self::PolicyRefused { .. }
            | Self::MissingGrant { .. }
            | Self::MissingContext { .. }
            | Self::RowsHidden { .. } => Some(sqlstate::INSUFFICIENT_PRIVILEGE.to_owned()),
            Self::ReadOnly { .. } => Some(sqlstate::READ_ONLY_SQL_TRANSACTION.to_owned()),
            Self::AuditFailed { source }
            | Self::TransactionFailed { first: source }
            | Self::CommitUnknown { source }
            | Self::ConnectionLost { source }
            | Self::LoginRefused { source }
            | Self::Database(source) => sqlstate::of(source),
            Self::Schema(error) => error.source_error().and_then(sqlstate::of),
            _ => None,
        }
    }

    /// Whether another session changed the same role meanwhile, so that reading it again helps.
    pub(crate) fn is_concurrent_change(&self) -> bool {
        self.sqlstate()
            .is_some_and(|state| sqlstate::is_concurrent_change(&state))
    }
}

impl From<&DbErr> for RlsError {
    fn from(error: &DbErr) -> Self {
        let Some(driver) = sqlstate::sqlx_error(error) else {
            return Self::Database(Arc::new(error.clone()));
        };
        if let sqlx::Error::Configuration(inner) = driver
            && let Some(ours) = inner.downcast_ref::<Self>()
        {
            return ours.clone();
        }

        if sqlstate::is_login_refused(driver) {
            return Self::LoginRefused {
                source: Arc::new(error.clone()),
            };
        }

        if sqlstate::is_connection_lost(driver) {
            return Self::ConnectionLost {
                source: Arc::new(error.clone()),
            };
        }

        match sqlstate::Denied::of(driver) {
            Some(sqlstate::Denied::ByPolicy { table, message }) => {
                Self::PolicyRefused { table, message }
            }
            Some(sqlstate::Denied::ByGrant { table, message }) => {
                Self::MissingGrant { table, message }
            }
            Some(sqlstate::Denied::Hidden { table, message }) => {
                Self::RowsHidden { table, message }
            }
            None if sqlstate::is_read_only_violation(driver) => {
                let message = driver
                    .as_database_error()
                    .map(|error| error.message().to_owned())
                    .unwrap_or_default();
                Self::ReadOnly { message }
            }
            None => Self::Database(Arc::new(error.clone())),
        }
    }
}

impl From<DbErr> for RlsError {
    fn from(error: DbErr) -> Self {
        Self::from(&error)
    }
}

impl From<RlsError> for DbErr {
    fn from(error: RlsError) -> Self {
        match error {
            RlsError::Database(error) => Arc::unwrap_or_clone(error),
            // The one variant of sqlx's error that carries a typed error of another crate.
            other => Self::Query(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Configuration(
                Box::new(other),
            )))),
        }
    }
}
