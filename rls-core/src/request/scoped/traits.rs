//! SeaORM's traits for [`ContextConnection`](crate::ContextConnection).

use std::pin::Pin;

use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, StreamTrait, TransactionError, TransactionOptions, TransactionTrait,
};

use super::ContextConnection;
use crate::request::operation::{Execute, ExecuteUnprepared, QueryAll, QueryOne};
use crate::request::role::Role;
use crate::request::stream::RowStream;
use crate::request::transaction::{ContextTransaction, in_transaction, in_transaction_async};

#[async_trait::async_trait]
impl<R: Role> ConnectionTrait for ContextConnection<R> {
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

impl<R: Role> StreamTrait for ContextConnection<R> {
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
impl<R: Role> TransactionTrait for ContextConnection<R> {
    type Transaction = ContextTransaction<R>;

    async fn begin(&self) -> Result<ContextTransaction<R>, DbErr> {
        self.begin_transaction(TransactionOptions::default()).await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<ContextTransaction<R>, DbErr> {
        self.begin_transaction(options(isolation_level, access_mode))
            .await
    }

    async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<ContextTransaction<R>, DbErr> {
        self.begin_transaction(options).await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c ContextTransaction<R>,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        in_transaction(
            self.begin_transaction(TransactionOptions::default())
                .await?,
            callback,
        )
        .await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c ContextTransaction<R>,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        in_transaction(
            self.begin_transaction(options(isolation_level, access_mode))
                .await?,
            callback,
        )
        .await
    }
}

/// Inherent forms, as SeaORM's connection has them, so that a caller need not import its traits.
impl<R: Role> ContextConnection<R> {
    /// Always PostgreSQL.
    #[must_use]
    pub fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    /// Runs an async closure in a transaction: commits on `Ok`, rolls back on `Err`.
    ///
    /// Statements sent: `BEGIN …`, those of the closure, then `COMMIT` or `ROLLBACK`.
    ///
    /// # Errors
    ///
    /// `TransactionError::Transaction` with the closure's error; `TransactionError::Connection` if
    /// the transaction cannot begin or end, as [`ContextTransaction::commit`].
    pub async fn transaction_async<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c ContextTransaction<R>) -> Result<T, E> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        in_transaction_async(self.begin().await?, callback).await
    }

    /// As [`ContextConnection::transaction_async`], with an isolation level and an access mode.
    ///
    /// # Errors
    ///
    /// As [`ContextConnection::transaction_async`].
    pub async fn transaction_with_config_async<F, T, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c ContextTransaction<R>) -> Result<T, E> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        let transaction = self.begin_with_config(isolation_level, access_mode).await?;
        in_transaction_async(transaction, callback).await
    }
}

fn options(
    isolation_level: Option<IsolationLevel>,
    access_mode: Option<AccessMode>,
) -> TransactionOptions {
    TransactionOptions {
        isolation_level,
        access_mode,
        sqlite_transaction_mode: None,
    }
}
