//! Connections that carry a context: every statement on them runs in a transaction that sets it.

mod traits;

use std::fmt;
use std::marker::PhantomData;

use sea_orm::{DbErr, Statement, TransactionOptions};

use crate::error::RlsError;
use crate::model::context::ContextError;
use crate::model::context::RlsContext;
use crate::request::begin::ContextText;
use crate::request::operation::{Operation, QueryAll};
use crate::request::pool::{Pool, explain};
use crate::request::role::{App, Maintenance, MaintenanceReads, Role};
use crate::request::statement::{Classified, Effect, Protocol};
use crate::request::stream::RowStream;
use crate::request::transaction::ContextTransaction;
use crate::sqlstate;

/// A connection on behalf of a user; made by [`RlsConnection::scope`](crate::RlsConnection::scope).
/// Statements sent, errors: see [`ContextConnection`].
pub type ScopedConnection = ContextConnection<App>;

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

/// A pool with a context: SeaORM's traits on it run each statement in a transaction that carries
/// the context.
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
/// Statements sent, for a statement that only reads: `BEGIN READ ONLY; SET LOCAL …` in one message,
/// the statement, and a `ROLLBACK` that nobody waits for. For any other statement:
/// `BEGIN; SET LOCAL …` in one message, the statement, `COMMIT`. If a read turns out to write
/// (SQLSTATE 25006), it has changed nothing, and it runs again in a transaction that may write.
/// Unprepared text is sent in one message with two checks, one before and one after it, that
/// transaction, role and context have not changed. A `DO` block that is sent as a prepared
/// statement costs two more messages, and its connection is closed afterwards.
///
/// An administrator's begin messages end in an `INSERT` into the audit table, unless the
/// configuration switches the audit off. So each of an administrator's statements ends in a
/// `COMMIT`, reads too.
///
/// `begin`, `begin_with_config` and `begin_with_options` send `BEGIN …; SET LOCAL …` in one
/// message, and hold a connection of the pool until the transaction ends. `stream_raw` sends the
/// begin message at once, and the statement when the first row is requested. Locks taken,
/// privileges needed: those of the statements. Transaction required: none; each statement has its
/// own. A statement that cannot run in a transaction (`VACUUM`) cannot run here.
///
/// # Errors
///
/// SeaORM's [`DbErr`]. [`RlsError::from`] finds the error of row-level security in it: `Context`,
/// `TransactionControl`, `ContextChange` and `OutlivesScope` before anything is sent;
/// `AuditFailed`, `PolicyRefused`, `MissingGrant`, `MissingContext`, `ReadOnly`, `ScopeLost`,
/// `ConnectionLost` and `CommitUnknown` afterwards.
#[derive(Clone)]
pub struct ContextConnection<R> {
    pool: Pool,
    /// If the context cannot be sent, each statement fails.
    context: Result<ContextText, ContextError>,
    login: PhantomData<fn() -> R>,
}

impl<R: Role> ContextConnection<R> {
    pub(crate) fn new(pool: Pool, context: &impl RlsContext) -> Self {
        let opening = pool.opening(R::READ_ONLY);
        let context = context
            .settings()
            .and_then(|settings| ContextText::new(settings, pool.settings(), opening));

        Self {
            pool,
            context,
            login: PhantomData,
        }
    }

    fn context(&self) -> Result<&ContextText, DbErr> {
        self.context
            .as_ref()
            .map_err(|error| RlsError::Context(error.clone()).into())
    }

    async fn begin_transaction(
        &self,
        options: TransactionOptions,
    ) -> Result<ContextTransaction<R>, DbErr> {
        ContextTransaction::begin(&self.pool, self.context()?, options).await
    }

    async fn stream<'a>(&self, statement: Statement) -> Result<RowStream<'a>, DbErr> {
        let context = self.context()?;
        let classified = self
            .pool
            .classify(&statement.sql, Protocol::Extended, context)?;

        if classified.holds_code() {
            self.run_classified(&QueryAll(statement), classified, context)
                .await?;
            return Ok(RowStream::empty());
        }

        RowStream::open(self.pool.clone(), context.clone(), statement, classified).await
    }

    async fn run<O: Operation>(&self, operation: O) -> Result<O::Output, DbErr> {
        let context = self.context()?;
        let classified = self
            .pool
            .classify(operation.sql(), operation.protocol(), context)?;
        self.run_classified(&operation, classified, context).await
    }

    async fn run_classified<O: Operation>(
        &self,
        operation: &O,
        classified: Classified,
        context: &ContextText,
    ) -> Result<O::Output, DbErr> {
        let (effect, message) = context.begin_for(classified);
        let mut lease = self.pool.begin(message).await?;
        let mut result = self
            .pool
            .run(operation, classified, &mut lease, context)
            .await;
        let mut misclassified = false;

        if effect == Effect::Read
            && result
                .as_ref()
                .err()
                .is_some_and(sqlstate::is_read_only_violation)
            && let Some(message) = context.begin_again()
        {
            misclassified = true;
            lease
                .begin_again(message)
                .await
                .map_err(|error| operation.error(error))?;
            result = self
                .pool
                .run(operation, classified, &mut lease, context)
                .await;
        }

        match result {
            Ok(output) => {
                if effect == Effect::Unknown || misclassified {
                    self.pool.commit(lease).await?;
                } else {
                    lease.end();
                }

                Ok(output)
            }
            Err(error) => {
                lease.note(&error);
                if matches!(error, sqlx::Error::Configuration(_)) {
                    lease.give_up();
                }

                Err(explain(operation.error(error), context.is_anonymous()))
            }
        }
    }
}

impl<R> fmt::Debug for ContextConnection<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextConnection")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
