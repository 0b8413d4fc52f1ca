//! SeaORM's role-based access control in front of a scope. It decides about tables and commands;
//! the policies decide about rows.

use std::pin::Pin;

use sea_orm::rbac::{PermissionRequest, RbacUserId, ResourceRequest};
use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    RestrictedConnection, Statement, StatementBuilder, TransactionError, TransactionOptions,
    TransactionSession, TransactionTrait,
};

use crate::request::scoped::ScopedConnection;
use crate::request::transaction::{in_transaction, in_transaction_async};

/// A scope behind SeaORM's [`RestrictedConnection`], which allows or refuses each statement before
/// it is sent. [`ScopedConnection::restricted`] makes one.
///
/// It decides as SeaORM's own does: it refuses raw statements, ignores subqueries in values, and
/// treats an upsert as an insert. Statements sent, locks, errors: those of the scope, and
/// `DbErr::AccessDenied`, `DbErr::RbacError`, for which nothing was sent.
#[derive(Debug)]
pub struct Restricted<C> {
    scope: C,
    rbac: RestrictedConnection,
}

impl ScopedConnection {
    /// This scope, limited to the statements that `rbac` allows its user. Sends nothing. The
    /// connection in `rbac` supplies the permissions and runs no statement; it need not be
    /// connected.
    ///
    /// ```no_run
    /// # async fn run(mine: rls_core::ScopedConnection, snapshot: sea_orm::rbac::RbacSnapshot) -> Result<(), sea_orm::DbErr> {
    /// use sea_orm::rbac::{RbacEngine, RbacUserId};
    /// let rbac = sea_orm::DatabaseConnection::default();
    /// rbac.replace_rbac(RbacEngine::from_snapshot(snapshot));
    /// let mine = mine.restricted(rbac.restricted_for(RbacUserId(7))?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn restricted(&self, rbac: RestrictedConnection) -> Restricted<Self> {
        Restricted {
            scope: self.clone(),
            rbac,
        }
    }
}

fn raw<T>() -> Result<T, DbErr> {
    Err(DbErr::RbacError(
        "SeaORM's access control cannot check a raw statement: build it with sea-query, or run it \
         on the scope itself"
            .to_owned(),
    ))
}

#[async_trait::async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Restricted<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.scope.get_database_backend()
    }

    async fn execute_raw(&self, _stmt: Statement) -> Result<ExecResult, DbErr> {
        raw()
    }

    async fn execute<S: StatementBuilder>(&self, stmt: &S) -> Result<ExecResult, DbErr> {
        self.rbac.user_can_run(stmt)?;
        self.scope.execute(stmt).await
    }

    async fn execute_unprepared(&self, _sql: &str) -> Result<ExecResult, DbErr> {
        raw()
    }

    async fn query_one_raw(&self, _stmt: Statement) -> Result<Option<QueryResult>, DbErr> {
        raw()
    }

    async fn query_one<S: StatementBuilder>(&self, stmt: &S) -> Result<Option<QueryResult>, DbErr> {
        self.rbac.user_can_run(stmt)?;
        self.scope.query_one(stmt).await
    }

    async fn query_all_raw(&self, _stmt: Statement) -> Result<Vec<QueryResult>, DbErr> {
        raw()
    }

    async fn query_all<S: StatementBuilder>(&self, stmt: &S) -> Result<Vec<QueryResult>, DbErr> {
        self.rbac.user_can_run(stmt)?;
        self.scope.query_all(stmt).await
    }
}

/// Inherent forms, as SeaORM's restricted connection has them.
impl<C> Restricted<C> {
    /// The user whose permissions count.
    #[must_use]
    pub fn user_id(&self) -> RbacUserId {
        self.rbac.user_id()
    }

    /// Whether the user may run this statement. Sends nothing.
    ///
    /// # Errors
    ///
    /// `DbErr::AccessDenied` if not; `DbErr::RbacError` without permissions.
    pub fn user_can_run<S: StatementBuilder>(&self, stmt: &S) -> Result<(), DbErr> {
        self.rbac.user_can_run(stmt)
    }

    /// Whether the user has this permission. Sends nothing.
    ///
    /// # Errors
    ///
    /// `DbErr::RbacError` for a permission or a table that is not known.
    pub fn user_can<P, T>(&self, permission: P, resource: T) -> Result<bool, DbErr>
    where
        P: Into<PermissionRequest>,
        T: Into<ResourceRequest>,
    {
        self.rbac.user_can(permission, resource)
    }
}

impl<C: ConnectionTrait> Restricted<C> {
    /// Always PostgreSQL.
    #[must_use]
    pub fn get_database_backend(&self) -> DbBackend {
        self.scope.get_database_backend()
    }
}

impl<C: TransactionTrait> Restricted<C> {
    /// Runs an async closure in a restricted transaction: commits on `Ok`, rolls back on `Err`.
    ///
    /// # Errors
    ///
    /// As [`ContextConnection::transaction_async`](crate::ContextConnection::transaction_async).
    pub async fn transaction_async<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c Restricted<C::Transaction>) -> Result<T, E> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        in_transaction_async(self.begin().await?, callback).await
    }

    /// As [`Restricted::transaction_async`], with an isolation level and an access mode.
    ///
    /// # Errors
    ///
    /// As [`Restricted::transaction_async`].
    pub async fn transaction_with_config_async<F, T, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c Restricted<C::Transaction>) -> Result<T, E> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        let transaction = self.begin_with_config(isolation_level, access_mode).await?;
        in_transaction_async(transaction, callback).await
    }

    fn around(&self, transaction: C::Transaction) -> Restricted<C::Transaction> {
        Restricted {
            scope: transaction,
            rbac: self.rbac.clone(),
        }
    }
}

#[async_trait::async_trait]
impl<C: TransactionTrait> TransactionTrait for Restricted<C> {
    type Transaction = Restricted<C::Transaction>;

    async fn begin(&self) -> Result<Self::Transaction, DbErr> {
        Ok(self.around(self.scope.begin().await?))
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<Self::Transaction, DbErr> {
        Ok(self.around(
            self.scope
                .begin_with_config(isolation_level, access_mode)
                .await?,
        ))
    }

    async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<Self::Transaction, DbErr> {
        Ok(self.around(self.scope.begin_with_options(options).await?))
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c Self::Transaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        in_transaction(self.begin().await?, callback).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c Self::Transaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        in_transaction(
            self.begin_with_config(isolation_level, access_mode).await?,
            callback,
        )
        .await
    }
}

#[async_trait::async_trait]
impl<C: TransactionSession + Send> TransactionSession for Restricted<C> {
    async fn commit(self) -> Result<(), DbErr> {
        self.scope.commit().await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        self.scope.rollback().await
    }
}

impl<C: TransactionSession> Restricted<C> {
    /// Commits, as
    /// [`ContextTransaction::commit`](crate::ContextTransaction::commit).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.scope.commit().await
    }

    /// Rolls back, as
    /// [`ContextTransaction::rollback`](crate::ContextTransaction::rollback).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.scope.rollback().await
    }
}
