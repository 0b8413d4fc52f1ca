//! Connections that carry a context: every statement on them sets it.

mod traits;

use std::fmt;
use std::marker::PhantomData;

use sea_orm::{DbErr, Statement, TransactionOptions};

use crate::error::RlsError;
use crate::model::context::ContextError;
use crate::model::context::RlsContext;
use crate::model::key::KeyType;
use crate::name::SettingName;
use crate::request::carrier::Carrier;
use crate::request::operation::{Operation, QueryAll, values};
use crate::request::pool::Pool;
use crate::request::role::{App, AppReads, Maintenance, MaintenanceReads, Role};
use crate::request::stream::RowStream;
use crate::request::transaction::ContextTransaction;

/// A connection on behalf of a user; made by [`RlsConnection::scope`](crate::RlsConnection::scope).
/// Statements sent, errors: see [`ContextConnection`].
pub type ScopedConnection = ContextConnection<App>;

/// A connection on behalf of a user that only reads; made by
/// [`RlsConnection::scope_read_only`](crate::RlsConnection::scope_read_only). Statements sent,
/// errors: see [`ContextConnection`].
pub type ReadOnlyScopedConnection = ContextConnection<AppReads>;

/// A transaction on behalf of a user that only reads. Statements sent, errors: see
/// [`ContextTransaction`].
pub type ReadOnlyScopedTransaction = ContextTransaction<AppReads>;

/// A connection as maintenance administrator; made by
/// [`RlsConnection::admin`](crate::RlsConnection::admin). Statements sent, errors: see
/// [`ContextConnection`].
pub type AdminConnection = ContextConnection<Maintenance>;

/// A connection as maintenance administrator that only reads; made by
/// [`RlsConnection::admin_read_only`](crate::RlsConnection::admin_read_only). Statements sent,
/// errors: see [`ContextConnection`].
pub type ReadOnlyAdminConnection = ContextConnection<MaintenanceReads>;

/// A transaction on behalf of a user. Statements sent, errors: see [`ContextTransaction`].
pub type ScopedTransaction = ContextTransaction<App>;

/// A transaction as maintenance administrator. Statements sent, errors: see [`ContextTransaction`].
pub type AdminTransaction = ContextTransaction<Maintenance>;

/// A transaction as maintenance administrator that only reads. Statements sent, errors: see
/// [`ContextTransaction`](crate::ContextTransaction).
pub type ReadOnlyAdminTransaction = ContextTransaction<MaintenanceReads>;

/// A pool with a context: each statement that SeaORM's traits send on it carries the context.
///
/// Cheap to clone and `'static`, so it can be moved into spawned tasks; the context cannot change.
///
/// ```no_run
/// use rls_core::{RlsConnection, UserContext};
/// use sea_orm::{ConnectionTrait, DbErr};
///
/// async fn handle(db: RlsConnection, user: i64) -> Result<(), DbErr> {
///     let mine = db.scope(UserContext::new(user));
///     let job = tokio::spawn({
///         let mine = mine.clone();
///         // It may outlive the request; it stays this user's.
///         async move { mine.execute_unprepared("DELETE FROM draft").await }
///     });
///     mine.execute_unprepared("INSERT INTO task (title) VALUES ('call back')").await?;
///     drop(job);
///     Ok(())
/// }
/// ```
///
/// Statements sent: the statement itself, as SeaORM sends it, with a parameter more for each setting
/// of the context. It is a transaction of its own, which the server commits; if its future is
/// dropped, the server may still run it. Unprepared text, `DO`, `CALL`, `VACUUM`, statements that
/// change definitions, and those with more than some 65,000 values cannot have the parameters:
/// `BEGIN; SET LOCAL …` in one message, the statement, `COMMIT`. So are all statements sent if the login may not execute `set_config`.
/// Unprepared text is sent in one message with two checks, one before and one after it, that
/// transaction, role and context have not changed. A `DO` block that is sent as a prepared
/// statement costs two more messages, and the connection of any is closed afterwards.
///
/// An administrator's statement also adds a row to the audit table, in the same message, unless the
/// configuration switches the audit off.
///
/// `begin`, `begin_with_config` and `begin_with_options` send `BEGIN …`, an administrator's with
/// `SET LOCAL …` and the record, in one message, or with signed contexts in two; they hold a
/// connection of the pool until the transaction ends. `stream_raw` takes a connection at once, and
/// sends the statement when the first row is requested. Locks taken, privileges needed: those of the
/// statements. Transaction required: none; each statement is its own.
///
/// # Errors
///
/// SeaORM's [`DbErr`]. [`RlsError::from`] finds the error of row-level security in it: `Context`,
/// `TransactionControl`, `ContextChange`, `OutlivesScope`, `Copy` and `MissingValue` before anything
/// is sent; `ContextNotSet`, `AuditFailed`, `PolicyRefused`, `MissingGrant`, `ColumnNotGranted`, `MissingContext`, `ReadOnly`, `ScopeLost`,
/// `ConnectionLost` and `CommitUnknown` afterwards.
#[derive(Clone)]
pub struct ContextConnection<R> {
    pool: Pool,
    /// If the context cannot be sent, each statement fails.
    carrier: Result<Carrier, ContextError>,
    login: PhantomData<fn() -> R>,
}

impl<R: Role> ContextConnection<R> {
    pub(crate) fn new(pool: Pool, context: &impl RlsContext) -> Self {
        let carrier = context
            .settings()
            .and_then(|settings| pool.carrier(settings, R::READ_ONLY));

        Self {
            pool,
            carrier,
            login: PhantomData,
        }
    }

    fn carrier(&self) -> Result<&Carrier, DbErr> {
        self.carrier
            .as_ref()
            .map_err(|error| RlsError::Context(error.clone()).into())
    }

    async fn begin_transaction(
        &self,
        options: TransactionOptions,
    ) -> Result<ContextTransaction<R>, DbErr> {
        ContextTransaction::begin(&self.pool, self.carrier()?, options).await
    }

    async fn stream<'a>(&self, statement: Statement) -> Result<RowStream<'a>, DbErr> {
        let carrier = self.carrier()?;
        let classified = self
            .pool
            .classify(&statement.sql, Some(values(&statement)), carrier)?;

        if classified.may_commit() {
            let all = QueryAll(statement);
            let rows = self.pool.run_alone(&all, classified, carrier).await?;
            return Ok(RowStream::of(rows));
        }

        RowStream::open(self.pool.clone(), carrier.clone(), statement, classified).await
    }

    async fn run<O: Operation>(&self, operation: O) -> Result<O::Output, DbErr> {
        let carrier = self.carrier()?;
        let classified =
            self.pool
                .classify(operation.sql(), operation.statement().map(values), carrier)?;
        self.pool.run_alone(&operation, classified, carrier).await
    }
}

impl<R> ContextConnection<R> {
    /// The value of a setting in the context, and the type of the keys that it names.
    pub(crate) fn key_of(&self, setting: &SettingName) -> (Option<String>, Option<KeyType>) {
        let carrier = self.carrier.as_ref();
        carrier.map_or((None, None), |carrier| carrier.value(setting))
    }
}

impl<R> fmt::Debug for ContextConnection<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextConnection")
            .field("context", &self.carrier)
            .finish_non_exhaustive()
    }
}
