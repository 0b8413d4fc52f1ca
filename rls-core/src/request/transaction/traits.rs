//! SeaORM's traits for [`ContextTransaction`](crate::ContextTransaction).

use std::pin::Pin;

use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, StreamTrait, TransactionError, TransactionOptions, TransactionSession,
    TransactionTrait,
};

use super::ContextTransaction;
use crate::request::operation::{Execute, ExecuteUnprepared, QueryAll, QueryOne};
use crate::request::role::Role;
use crate::request::stream::RowStream;

#[async_trait::async_trait]
impl<R: Role> ConnectionTrait for ContextTransaction<R> {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, stmt: Statement) -> Result<ExecResult, DbErr> {
        self.run(Execute(stmt)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.run(ExecuteUnprepared(sql)).await
    }

    async fn query_one_raw(&self, stmt: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.run(QueryOne(stmt)).await
    }

    async fn query_all_raw(&self, stmt: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.run(QueryAll(stmt)).await
    }
}

impl<R: Role> StreamTrait for ContextTransaction<R> {
    type Stream<'a>
        = RowStream<'a>
    where
        Self: 'a;

    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    fn stream_raw<'a>(
        &'a self,
        stmt: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<RowStream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(self.stream(stmt))
    }
}

#[async_trait::async_trait]
impl<R: Role> TransactionTrait for ContextTransaction<R> {
    type Transaction = Self;

    async fn begin(&self) -> Result<Self, DbErr> {
        self.nested().await
    }

    /// A savepoint has no isolation level or access mode of its own: PostgreSQL keeps the outermost
    /// one's.
    async fn begin_with_config(
        &self,
        _isolation_level: Option<IsolationLevel>,
        _access_mode: Option<AccessMode>,
    ) -> Result<Self, DbErr> {
        self.nested().await
    }

    async fn begin_with_options(&self, _options: TransactionOptions) -> Result<Self, DbErr> {
        self.nested().await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Self) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        in_transaction(self.nested().await?, callback).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        _isolation_level: Option<IsolationLevel>,
        _access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Self) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        in_transaction(self.nested().await?, callback).await
    }
}

#[async_trait::async_trait]
impl<R: Role> TransactionSession for ContextTransaction<R> {
    async fn commit(self) -> Result<(), DbErr> {
        self.finish_commit().await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        self.finish_rollback().await
    }
}

/// Inherent forms, as SeaORM's transaction has them, so that a caller need not import its traits.
impl<R: Role> ContextTransaction<R> {
    /// Always PostgreSQL.
    #[must_use]
    pub fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    /// Runs an async closure in a nested transaction: commits on `Ok`, rolls back on `Err`.
    ///
    /// Statements sent: `SAVEPOINT`, those of the closure, then `RELEASE SAVEPOINT` or
    /// `ROLLBACK TO SAVEPOINT`.
    ///
    /// # Errors
    ///
    /// `TransactionError::Transaction` with the closure's error; `TransactionError::Connection` if
    /// the transaction cannot begin or end, as [`ContextTransaction::commit`].
    pub async fn transaction_async<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c Self) -> Result<T, E> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        in_transaction_async(self.nested().await?, callback).await
    }

    /// As [`ContextTransaction::transaction_async`]. A savepoint has no isolation level or access
    /// mode of its own: PostgreSQL keeps the outermost one's.
    ///
    /// # Errors
    ///
    /// As [`ContextTransaction::transaction_async`].
    pub async fn transaction_with_config_async<F, T, E>(
        &self,
        callback: F,
        _isolation_level: Option<IsolationLevel>,
        _access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c Self) -> Result<T, E> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        self.transaction_async(callback).await
    }

    /// Commits.
    ///
    /// Statements sent: `COMMIT`, for a nested transaction `RELEASE SAVEPOINT`; one round trip.
    /// Locks are released with the outermost transaction.
    ///
    /// # Errors
    ///
    /// [`RlsError::TransactionFailed`](crate::RlsError::TransactionFailed) if an earlier statement
    /// failed; [`RlsError::NestedOpen`](crate::RlsError::NestedOpen),
    /// [`RlsError::StreamOpen`](crate::RlsError::StreamOpen) and
    /// [`RlsError::ScopeLost`](crate::RlsError::ScopeLost): in all four cases the transaction is
    /// rolled back. [`RlsError::CommitUnknown`](crate::RlsError::CommitUnknown) if the connection
    /// was lost during the commit. Otherwise the server's error, such as that of a deferred
    /// constraint.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.finish_commit().await
    }

    /// Rolls back, with the transactions that are nested in it.
    ///
    /// Statements sent: `ROLLBACK`, for a nested transaction `ROLLBACK TO SAVEPOINT`; one round
    /// trip. To drop the transaction has the same effect, without waiting.
    ///
    /// # Errors
    ///
    /// The error of a lost connection; [`RlsError::ScopeLost`](crate::RlsError::ScopeLost);
    /// [`RlsError::StreamOpen`](crate::RlsError::StreamOpen) if a stream of a nested transaction is
    /// alive. The transaction is rolled back in each case.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.finish_rollback().await
    }
}

/// Runs a closure in a transaction: commits on `Ok`, rolls back on `Err`.
pub(crate) async fn in_transaction<X, F, T, E>(
    transaction: X,
    callback: F,
) -> Result<T, TransactionError<E>>
where
    X: TransactionSession,
    F: for<'c> FnOnce(&'c X) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>> + Send,
    T: Send,
    E: std::fmt::Display + std::fmt::Debug + Send,
{
    let result = callback(&transaction).await;
    end(transaction, result).await
}

/// As [`in_transaction`], for an async closure, whose future need not be `Send`.
pub(crate) async fn in_transaction_async<X, F, T, E>(
    transaction: X,
    callback: F,
) -> Result<T, TransactionError<E>>
where
    X: TransactionSession,
    F: for<'c> AsyncFnOnce(&'c X) -> Result<T, E>,
    E: std::fmt::Display + std::fmt::Debug,
{
    let result = callback(&transaction).await;
    end(transaction, result).await
}

async fn end<X, T, E>(transaction: X, result: Result<T, E>) -> Result<T, TransactionError<E>>
where
    X: TransactionSession,
    E: std::fmt::Display + std::fmt::Debug,
{
    match result {
        Ok(value) => {
            transaction.commit().await?;
            Ok(value)
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(TransactionError::Transaction(error))
        }
    }
}
