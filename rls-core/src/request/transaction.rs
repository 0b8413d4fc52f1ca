//! A transaction that carries a context. Nested transactions are savepoints in it, with the same
//! context, which cannot change.

mod lane;
mod shared;
mod traits;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_stream::try_stream;
use sea_orm::{DbErr, QueryResult, Statement, TransactionOptions};
use sqlx::Executor;

use crate::model::key::KeyType;
use crate::name::SettingName;
use crate::request::carrier::{Around, Carrier};
use crate::request::operation::{Operation, QueryAll, Sending, query_error, values};
use crate::request::pool::Pool;
use crate::request::role::Role;
use crate::request::stream::RowStream;
use lane::Lane;
use shared::{Savepoint, Shared};
pub(crate) use traits::{in_transaction, in_transaction_async};

/// An open transaction that carries a context. `begin` on a
/// [`ScopedConnection`](crate::ScopedConnection) or an [`AdminConnection`](crate::AdminConnection)
/// makes one; `begin` on a transaction makes a nested one, a savepoint.
///
/// If it is dropped without `commit`, it is rolled back. The rollback of the outermost transaction
/// is queued on its connection; that of a nested one is sent before the next statement of the outer
/// one.
///
/// Statements sent: for `begin` one message (`BEGIN …`); for a nested `begin` a `SAVEPOINT`; for each
/// statement what SeaORM sends, with its context. Unprepared text and `DO` blocks are sent as
/// on a [`ContextConnection`](crate::ContextConnection). Locks taken, privileges needed: those of
/// the statements. A statement waits until the earlier ones have ended.
///
/// # Errors
///
/// Those of [`ContextConnection`](crate::ContextConnection).
/// [`RlsError::NestedOpen`](crate::RlsError::NestedOpen) if a nested transaction is open, and
/// [`RlsError::StreamOpen`](crate::RlsError::StreamOpen) if a stream of its rows is alive: the
/// statement was not sent. After [`RlsError::ScopeLost`](crate::RlsError::ScopeLost) every
/// statement fails.
pub struct ContextTransaction<R> {
    shared: Arc<Shared>,
    /// `None` for the outermost.
    savepoint: Option<Savepoint>,
    open: bool,
    login: PhantomData<fn() -> R>,
}

impl<R> ContextTransaction<R> {
    /// The value of a setting in the context, and the type of the keys that it names.
    pub(crate) fn key_of(&self, setting: &SettingName) -> (Option<String>, Option<KeyType>) {
        self.shared.carrier.value(setting)
    }
}

impl<R: Role> ContextTransaction<R> {
    pub(crate) async fn begin(
        pool: &Pool,
        carrier: &Carrier,
        options: TransactionOptions,
    ) -> Result<Self, DbErr> {
        let lease = pool.begin(carrier.begin(options)).await?;

        Ok(Self {
            shared: Arc::new(Shared::new(lease, pool.clone(), carrier.clone())),
            savepoint: None,
            open: true,
            login: PhantomData,
        })
    }

    async fn nested(&self) -> Result<Self, DbErr> {
        let savepoint = self.lane().await?.savepoint().await?;
        Ok(Self {
            shared: Arc::clone(&self.shared),
            savepoint: Some(savepoint),
            open: true,
            login: PhantomData,
        })
    }

    async fn run<O: Operation>(&self, operation: O) -> Result<O::Output, DbErr> {
        let classified = self.shared.pool.classify(
            operation.sql(),
            operation.statement().map(values),
            &self.shared.carrier,
        )?;
        self.lane().await?.run(&operation, classified).await
    }

    /// The connection, settled: nothing of an earlier, dropped future is left in it.
    async fn lane(&self) -> Result<Lane<'_>, DbErr> {
        Lane::enter(&self.shared, self.savepoint).await
    }

    async fn stream(&self, statement: Statement) -> Result<RowStream<'_>, DbErr> {
        let classified = self.shared.pool.classify(
            &statement.sql,
            Some(values(&statement)),
            &self.shared.carrier,
        )?;

        let mut lane = self.lane().await?;
        let carrier = &self.shared.carrier;
        let sending = Sending::new(carrier, Around::Transaction, classified, Some(&statement));
        if sending.is_left_out() || classified.may_commit() {
            let rows = lane.run(&QueryAll(statement), classified).await?;
            return Ok(RowStream::of(rows));
        }

        lane.keep_for_stream();

        Ok(RowStream::new(try_stream! {
            let query = sending.query(&statement).map_err(query_error)?;
            let failed = 'failed: {
                let lease = lane.for_stream()?;
                if let Err(error) = self.shared.carrier.set_again(lease).await {
                    break 'failed Some(error);
                }

                let mut observed = self.shared.pool.observer().observe_rows(&statement);
                let mut rows = lease.connection().fetch(query);
                loop {
                    match observed.next(&mut rows).await {
                        Some(Ok(row)) => yield QueryResult::from(row),
                        Some(Err(error)) => break Some(error),
                        None => break None,
                    }
                }
            };
            match failed {
                Some(error) => Err(lane.failure(error, &statement.sql, query_error))?,
                None => lane.stream_ended(),
            }
        }))
    }

    async fn finish_commit(mut self) -> Result<(), DbErr> {
        // If the lane cannot be entered, nothing is committed, and the drop of `self` rolls back.
        let lane = Lane::enter(&self.shared, self.savepoint).await?;

        // From here the outcome is the server's: a drop while waiting must not roll back what a
        // RELEASE kept.
        self.open = false;

        match self.savepoint {
            None => lane.commit().await,
            Some(savepoint) => lane.release(savepoint).await,
        }
    }

    async fn finish_rollback(mut self) -> Result<(), DbErr> {
        let mut lane = Lane::enter_to_undo(&self.shared).await?;
        self.open = false;

        match self.savepoint {
            None => lane.rollback().await,
            Some(savepoint) => lane.rollback_to(savepoint).await,
        }
    }
}

impl<R> Drop for ContextTransaction<R> {
    fn drop(&mut self) {
        if self.open {
            self.shared.abandon(self.savepoint);
        }
    }
}

impl<R> fmt::Debug for ContextTransaction<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextTransaction")
            .field("savepoint", &self.savepoint)
            .finish_non_exhaustive()
    }
}
