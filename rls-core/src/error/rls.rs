//! [`RlsError`], and its way through SeaORM's `DbErr`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr, sqlx};

use super::{GateError, SchemaError};
use crate::config::ConfigError;
use crate::debug::debug_is_display;
use crate::entity::DeclarationError;
use crate::model::context::ContextError;
use crate::model::privilege::Command;
use crate::model::wal_position::WalPosition;
use crate::name::SettingName;
use crate::sqlstate;

/// Any error of this crate.
///
/// SeaORM's traits return [`DbErr`]. [`RlsError::from`] a `&DbErr` finds the variant again, by the
/// SQLSTATE: never by the text of a message, which servers translate.
///
/// Its `Debug` says what its `Display` says, as that of all errors of this library: a `main` that
/// returns an error prints `Debug`.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RlsError {
    /// The registered entities contradict each other.
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The context cannot be carried by settings.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The database would not keep the rows of users apart.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The schema could not be changed to the desired one.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database is not PostgreSQL.
    #[error("row-level security needs PostgreSQL, and this connection's backend is {backend}")]
    Backend {
        /// The backend.
        backend: String,
    },
    /// A policy refused a row (SQLSTATE 42501).
    #[error("a policy{} refused the row: it is not this context's to write", on(table.as_deref()))]
    PolicyRefused {
        /// The table, if the server's message names it.
        table: Option<String>,
        /// What the server said.
        message: String,
    },
    /// The role lacks a privilege, on a table, a sequence or another object (SQLSTATE 42501).
    #[error("{}", missing_grant(table.as_deref(), message))]
    MissingGrant {
        /// The table, or the sequence or other object, if the server's message names it.
        table: Option<String>,
        /// What the server said.
        message: String,
    },
    /// A statement writes columns that the entity does not grant (SQLSTATE 42501); nothing was
    /// written.
    #[error(
        "{} table `{table}` writes {}, and its entity grants {}: set only these, or name the column \
         in `grant({word}(…))` on its derive, `admin({word}(…))` for administrators",
        if *command == Command::Insert { "an insert into" } else { "an update of" },
        columns_or(columns, "all columns, since it names none"),
        columns_or(allowed, "none"),
        word = command.as_sql().to_lowercase()
    )]
    ColumnNotGranted {
        /// The table.
        table: String,
        /// [`Command::Insert`] or [`Command::Update`].
        command: Command,
        /// The columns that the statement writes and that are not granted. There are none if an
        /// insert names no columns, and so writes all.
        columns: Vec<String>,
        /// The columns that are granted.
        allowed: Vec<String>,
    },
    /// A row of a scoped table was written in a context that does not say whose it is: without a
    /// user, or with a user and without the tenant.
    #[error(
        "{}, so a row{} was refused: use a scope whose context sets it, not `anonymous()`",
        unset(settings),
        on(table.as_deref())
    )]
    MissingContext {
        /// The table, if the server's message names it.
        table: Option<String>,
        /// The settings of the table's owners that the context leaves out, if the table is known.
        settings: Vec<SettingName>,
    },
    /// SQL text would begin or end a transaction in a scope, or set its isolation level or access
    /// mode; it did not run.
    #[error(
        "`{statement}` in SQL text would begin, end or change the transaction of the scope, and \
         did not run: use `begin()`, `commit()`, `rollback()`, a nested `begin()` for a savepoint, \
         and `begin_with_config(…)` for an isolation level or an access mode"
    )]
    TransactionControl {
        /// The statement's first words.
        statement: String,
    },
    /// SQL text would change the context of a scope, or could hide that it does; it did not run. A
    /// call by a name in Unicode escapes, and a change of `standard_conforming_strings` or
    /// `client_encoding`, could hide it.
    #[error(
        "`{statement}` in SQL text would change the context, or could hide that it does, and did \
         not run: make another scope for another context"
    )]
    ContextChange {
        /// The statement's first words.
        statement: String,
    },
    /// SQL text in a scope has a `DO` block; it did not run.
    #[error(
        "a `DO` block in SQL text could act as another user unseen, and did not run: put the code \
         into a function that a migration creates and call that, or allow blocks \
         (`RLS_ALLOW_DO`, `RlsConfig::danger_allow_do`)"
    )]
    DoBlock,
    /// SQL text in a scope asks for what the server evaluates or counts before a policy hides the row;
    /// it did not run. Refused if policies require signed contexts, since injected SQL could use it.
    #[error(
        "`{statement}` tells of rows before the policies hide them, and did not run: contexts are \
         signed, so that no injected statement tells of other users' rows. In place of an upsert's \
         condition write `SET a = CASE WHEN … THEN excluded.a ELSE t.a END`, which is computed after \
         the policy; explain as the migrations' login"
    )]
    BeforePolicies {
        /// What the text asks for.
        statement: String,
    },
    /// The server could not set the context; the statement did not run.
    #[error(
        "the context could not be set: {source}; the domains that carry it, or the right to \
         execute `set_config`, have changed since this program connected: restart it"
    )]
    ContextNotSet {
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// The server refused the signed context: it does not know its key, or the key has ended; or the
    /// context is too old, or was altered on its way; or the session did not log in as the role that the
    /// context was signed for. The statement read and wrote nothing.
    #[error(
        "the server refused the signed context of key `{key}`: it does not know the key, or the key \
         has ended (`rls keys list`, `rls keys rotate`); or the clocks of this program and of the server differ by more than the context's lifetime, \
         or the statement waited longer than that; or the session did not log in as the role \
         that the context was signed for"
    )]
    ContextRefused {
        /// The identifier of the key; `unknown` if the server does not know it.
        key: String,
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// A prepared statement has a placeholder without a value; it was not sent.
    #[error("`${placeholder}` has no value: the statement has {values}")]
    MissingValue {
        /// The highest placeholder, 2 for `$2`.
        placeholder: usize,
        /// How many values the statement has.
        values: usize,
    },
    /// The transaction that carried the context has ended, so its statements no longer run.
    #[error(
        "the transaction has lost its scope ({reason}): nothing more runs in it, and it cannot be \
         committed"
    )]
    ScopeLost {
        /// What happened.
        reason: String,
    },
    /// A transaction was used while one nested in it was open.
    #[error(
        "a nested transaction is open: what runs on the outer one now would be undone with it; end \
         the nested one first, and begin two of them one after the other"
    )]
    NestedOpen,
    /// A transaction was used while a stream of its rows was alive.
    #[error(
        "a stream of this transaction's rows is alive, and a connection runs one statement at a \
         time: read it to its end or drop it first, or collect its rows"
    )]
    StreamOpen,
    /// SQL text would leave session state on the pooled connection; it did not run.
    #[error(
        "`{statement}` in SQL text would outlive the scope, and did not run: the next user of the \
         connection would find it; use `SET LOCAL`, and an ordinary table for a temporary one"
    )]
    OutlivesScope {
        /// The statement's first words.
        statement: String,
    },
    /// SQL text copies rows (`COPY`), which SeaORM's connections cannot; it did not run.
    #[error(
        "`COPY` cannot run on a scope, and was not sent: read with a stream, write with \
         `insert_many`, or copy with a connection of sqlx's own as a login that sees all rows"
    )]
    Copy,
    /// A statement would have written in a transaction that only reads (SQLSTATE 25006), or a
    /// transaction would have begun on a standby as `READ WRITE` or `SERIALIZABLE`, which a standby
    /// refuses (0A000); it did not run.
    #[error(
        "the transaction or the server only reads, and this would write ({message}): use a \
         connection or transaction that may write"
    )]
    ReadOnly {
        /// What the server said.
        message: String,
    },
    /// Row-level security would have hidden rows from a statement that must see all of them; it did
    /// not run (SQLSTATE 42501, with `row_security` off).
    #[error(
        "row security hides rows{} from this login, so the statement was refused instead of \
         passing them over: in a migration use `manager.maintenance([{}], …)`, elsewhere a login \
         that sees all rows",
        on(table.as_deref()),
        table.as_deref().map(|table| format!("\"{table}\"")).unwrap_or_default()
    )]
    RowsHidden {
        /// The table, if the server's message names it.
        table: Option<String>,
        /// What the server said.
        message: String,
    },
    /// What an administrator would do could not be recorded, and was not done.
    #[error(
        "the administrator's transaction could not be recorded, and was not begun: {source}; {}",
        record_again(source)
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
    /// The connection was lost during a commit, or before the answer to a statement that commits by
    /// itself. Whether it took effect is not known.
    #[error(
        "the connection was lost while the server may have committed, and whether it did is not \
         known: {source}"
    )]
    CommitUnknown {
        /// How the connection ended.
        source: Arc<DbErr>,
    },
    /// The server rejected the login: the role does not exist, has another password, or may not
    /// connect (SQLSTATE class 28, 3D000, or 42501 of severity FATAL).
    #[error(
        "the server refused the login: {source}; the application's role is `RLS_APP_USER` with \
         `RLS_APP_PASSWORD`, the administrator's `RLS_MAINTENANCE_ADMIN` with \
         `RLS_MAINTENANCE_ADMIN_PASSWORD`, and the migrations make both"
    )]
    LoginRefused {
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// The server speaks PostgreSQL's protocol, and is another engine.
    #[error(
        "the server is not PostgreSQL, and its row security may be another or none: `{version}`. Use \
         PostgreSQL 15 or later"
    )]
    OtherEngine {
        /// What it answers to `SELECT version()`.
        version: String,
    },
    /// The server is Citus, and cannot do this.
    #[error("the server is Citus, on which {what} cannot be: {instead}")]
    NotOnCitus {
        /// What cannot be.
        what: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// Citus refused a statement, most likely on tables that it distributes (SQLSTATE 0A000, XX000 for `MERGE`).
    /// Nothing was stored.
    #[error(
        "the server, which is Citus, does not run this statement: {source}; if its tables are \
         distributed, in place of `MERGE` write `INSERT … ON CONFLICT`, in place of an `INSERT … SELECT` that goes through the \
         coordinator (`LIMIT`, other owners' shards) read the rows and insert them, and join \
         distributed tables on their owner columns"
    )]
    RefusedByCitus {
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// A pooler between gives one client's prepared statements to another: a statement may fail, or
    /// run as another program's of the same name.
    #[error(
        "a pooler between this program and the server does not keep the prepared statements of its \
         clients apart ({seen}): use PgBouncer 1.21 or later with `max_prepared_statements` above \
         0, or a pooler whose sessions belong to one client and are reset after it"
    )]
    SharedStatements {
        /// What was seen.
        seen: String,
    },
    /// A pooler between refuses transactions.
    #[error(
        "a pooler between this program and the server refuses transactions ({message}), which \
         `connect` needs to check the database: use `pool_mode = transaction`"
    )]
    TransactionsRefused {
        /// What the pooler said.
        message: String,
    },
    /// Pgpool-II sends reads to a standby, and does not see the transactions of this login.
    #[error(
        "Pgpool-II between this program and the servers balances reads, and this login may not \
         execute `set_config`, so its context begins each transaction and would stay behind: run \
         `GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean)` to it as a \
         superuser, or set `load_balance_mode = off`"
    )]
    BalancedReads,
    /// The provider of passwords gave none, so no connection logged in.
    #[error(
        "the password provider gave no password for the login `{user}`: {source}; nothing was sent"
    )]
    PasswordProvider {
        /// The name that would have logged in.
        user: String,
        /// The provider's error.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// No server of the URL is one that `target_session_attrs` asks for.
    #[error("no server of the URL is what `target_session_attrs` asks for ({target}): {tried}")]
    NoHost {
        /// What is asked for, in libpq's words.
        target: String,
        /// Each server, and why it is none.
        tried: String,
    },
    /// The standby did not come to a position of the write-ahead log in time; nothing was read.
    #[error(
        "the standby has not come to {position} of the write-ahead log within {within:?}, and nothing \
         was read: wait longer, or read on the primary (`Otherwise::Primary`)"
    )]
    StandbyBehind {
        /// The position.
        position: WalPosition,
        /// How long it had.
        within: Duration,
    },
    /// The server for reads has another database than the one that is written.
    #[error(
        "the server for reads is no standby of this connection's server, or has another database: \
         correct its URL"
    )]
    OtherCluster,
    /// The connection could not be encrypted as the URL asks, and so did not log in.
    #[error(
        "the connection could not be encrypted as `sslmode` asks: {source}; correct `sslmode` or \
         `sslrootcert` of the URL, switch the server's `ssl` on, or build SeaORM with a TLS feature \
         (`runtime-tokio-rustls`)"
    )]
    Tls {
        /// What the driver said.
        source: Arc<DbErr>,
    },
    /// No server listens at the address.
    #[error(
        "no PostgreSQL server answers at {address}: {source}; start it, or correct the host and \
         the port of the URL"
    )]
    Unreachable {
        /// Host and port, or the socket.
        address: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The connection to the server was lost.
    #[error("the connection to the server was lost: {source}")]
    ConnectionLost {
        /// What happened.
        source: Arc<DbErr>,
    },
    /// Any other database error.
    #[error(transparent)]
    Database(Arc<DbErr>),
}

debug_is_display!(RlsError);

fn on(table: Option<&str>) -> String {
    table
        .map(|table| format!(" of table `{table}`"))
        .unwrap_or_default()
}

fn missing_grant(object: Option<&str>, message: &str) -> String {
    if sqlstate::is_of_sequence(message) {
        let sequence = object.unwrap_or_default();
        return format!(
            "the login has no privilege on sequence `{sequence}` for this ({message}): the migrations \
             grant the sequences of registered tables' columns; grant another by `GRANT USAGE ON \
             SEQUENCE …` in a migration of your own, for `setval` `UPDATE`"
        );
    }

    format!(
        "the login has no privilege{} for this ({message}): if an entity is registered for the table, \
         say `grant(…)` on its derive, or `admin(…)` for administrators, and run the migrations, \
         which take other grants away; a table without an entity is granted by a migration of \
         your own",
        on(object)
    )
}

/// What to do so that the record can be written. Its key is the server's: a value that is taken comes
/// of a sequence that is behind, and no migration sets one.
fn record_again(source: &DbErr) -> &'static str {
    if sqlstate::of(source).as_deref() == Some(sqlstate::UNIQUE_VIOLATION) {
        "the sequence of the audit table's key is behind its rows, as after logical replication: \
         set it with setval(pg_get_serial_sequence('<table>', 'id'), <the greatest id>)"
    } else {
        "run the migrations, and not on a standby, where nothing can be recorded"
    }
}

fn columns_or(columns: &[String], none: &str) -> String {
    let columns: Vec<String> = columns.iter().map(|it| format!("`{it}`")).collect();
    if columns.is_empty() {
        none.to_owned()
    } else {
        columns.join(", ")
    }
}

fn unset(settings: &[SettingName]) -> String {
    if settings.is_empty() {
        return "no user is set".to_owned();
    }

    let names: Vec<_> = settings.iter().map(|name| format!("`{name}`")).collect();
    format!("the context does not set {}", names.join(" and "))
}

impl RlsError {
    /// The SQLSTATE, if the error came from the server.
    #[must_use]
    pub fn sqlstate(&self) -> Option<String> {
        match self {
            Self::PolicyRefused { .. }
            | Self::MissingGrant { .. }
            | Self::ColumnNotGranted { .. }
            | Self::MissingContext { .. }
            | Self::RowsHidden { .. } => Some(sqlstate::INSUFFICIENT_PRIVILEGE.to_owned()),
            Self::ReadOnly { .. } => Some(sqlstate::READ_ONLY_SQL_TRANSACTION.to_owned()),
            Self::AuditFailed { source }
            | Self::ContextNotSet { source }
            | Self::RefusedByCitus { source }
            | Self::ContextRefused { source, .. }
            | Self::TransactionFailed { first: source }
            | Self::CommitUnknown { source }
            | Self::ConnectionLost { source }
            | Self::LoginRefused { source }
            | Self::Tls { source }
            | Self::Database(source) => sqlstate::of(source),
            Self::Schema(error) => error.source_error().and_then(sqlstate::of),
            _ => None,
        }
    }

    pub(crate) fn read_only(error: &sqlx::Error) -> Self {
        let message = error
            .as_database_error()
            .map(|error| error.message().to_owned())
            .unwrap_or_default();
        Self::ReadOnly { message }
    }

    /// Whether another session changed the same role at the same time: then reading it again helps.
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

        if matches!(driver, sqlx::Error::Tls(_)) {
            return Self::Tls {
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
            None if sqlstate::is_read_only_violation(driver) => Self::read_only(driver),
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
            // The only variant of sqlx's error that carries a typed error of another crate.
            other => Self::Query(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Configuration(
                Box::new(other),
            )))),
        }
    }
}
