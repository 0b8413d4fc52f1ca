//! A transaction that begins with its first statement.

use std::pin::Pin;

use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, StreamTrait, TransactionError, TransactionOptions, TransactionTrait,
};
use tokio::sync::OnceCell;

use crate::context::RowStream;
use crate::{ScopedConnection, ScopedTransaction};

/// A request's transaction, which begins with the first statement on it. Until then it holds no
/// connection of the pool.
///
/// It has SeaORM's traits. `begin` on it, and a closure in `transaction`, make a nested transaction:
/// a savepoint. It has no `commit` and no `rollback`, since the layer ends it.
///
/// Statements sent, errors: those of a [`ScopedTransaction`], and with the first statement those of
/// its begin: `DbErr::ConnectionAcquire` if the pool has no connection.
#[derive(Debug)]
pub struct LazyTransaction {
    scope: ScopedConnection,
    access: Option<AccessMode>,
    begun: OnceCell<ScopedTransaction>,
}

impl LazyTransaction {
    pub(super) fn new(scope: ScopedConnection, access: Option<AccessMode>) -> Self {
        Self {
            scope,
            access,
            begun: OnceCell::new(),
        }
    }

    /// The transaction, if a statement has begun it.
    pub(super) fn into_begun(self) -> Option<ScopedTransaction> {
        self.begun.into_inner()
    }

    async fn outermost(&self) -> Result<&ScopedTransaction, DbErr> {
        let begin = || self.scope.begin_with_config(None, self.access);
        self.begun.get_or_try_init(begin).await
    }

    /// Always PostgreSQL.
    #[must_use]
    pub fn get_database_backend(&self) -> DbBackend {
        self.scope.get_database_backend()
    }

    /// Runs an async closure in a nested transaction: commits on `Ok`, rolls back on `Err`.
    ///
    /// # Errors
    ///
    /// As [`ScopedTransaction`]'s.
    pub async fn transaction_async<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c ScopedTransaction) -> Result<T, E> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        self.outermost().await?.transaction_async(callback).await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for LazyTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.scope.get_database_backend()
    }

    async fn execute_raw(&self, stmt: Statement) -> Result<ExecResult, DbErr> {
        self.outermost().await?.execute_raw(stmt).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.outermost().await?.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, stmt: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.outermost().await?.query_one_raw(stmt).await
    }

    async fn query_all_raw(&self, stmt: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.outermost().await?.query_all_raw(stmt).await
    }
}

impl StreamTrait for LazyTransaction {
    type Stream<'a> = RowStream<'a>;

    fn get_database_backend(&self) -> DbBackend {
        self.scope.get_database_backend()
    }

    fn stream_raw<'a>(
        &'a self,
        stmt: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<RowStream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(async move { self.outermost().await?.stream_raw(stmt).await })
    }
}

#[async_trait::async_trait]
impl TransactionTrait for LazyTransaction {
    type Transaction = ScopedTransaction;

    async fn begin(&self) -> Result<ScopedTransaction, DbErr> {
        self.outermost().await?.begin().await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<ScopedTransaction, DbErr> {
        let outer = self.outermost().await?;
        outer.begin_with_config(isolation_level, access_mode).await
    }

    async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<ScopedTransaction, DbErr> {
        self.outermost().await?.begin_with_options(options).await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c ScopedTransaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        let outer = self.outermost().await?;
        outer.transaction(callback).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c ScopedTransaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        let outer = self.outermost().await?;
        outer
            .transaction_with_config(callback, isolation_level, access_mode)
            .await
    }
}
