//! Data migrations on tables with row security that holds for their owner too.

use std::future::Future;
use std::pin::Pin;

use rls_core::schema::RowSecurityChange;
use rls_core::{Change, Identifier, TableName, apply_changes};
use sea_orm_migration::SchemaManager;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseExecutor, DatabaseTransaction, DbBackend, DbErr, Statement,
    TransactionTrait,
};
use sea_orm_migration::sea_query::TableRef;

use crate::error::migration_error;
use crate::guard::{RowSecurityOff, explain};
use crate::verb::named;

/// What runs in [`MaintenanceExt::maintenance`].
type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send + 'c>>;

/// Changes rows of scoped tables in a migration.
pub trait MaintenanceExt: Sync {
    /// Runs `work` in a transaction in which the tables' owner sees and writes every row of
    /// `tables`. A failure undoes all of it.
    ///
    /// Row security is forced on the owner again before this returns, and other sessions never see
    /// it otherwise. No user is set, so a row inserted into a registered table must name its owner.
    /// A statement that reads a scoped table that is not among `tables` fails, and names the table.
    ///
    /// ```no_run
    /// use rls_migration::MaintenanceExt;
    /// use sea_orm_migration::prelude::*;
    ///
    /// # #[derive(DeriveMigrationName)]
    /// # struct Migration;
    /// #[async_trait::async_trait]
    /// impl MigrationTrait for Migration {
    ///     async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
    ///         manager
    ///             .maintenance(["task"], |db| {
    ///                 Box::pin(async move {
    ///                     let trim = Query::update().table("task").value("title", Expr::cust("btrim(title)")).to_owned();
    ///                     db.execute(&trim).await
    ///                 })
    ///             })
    ///             .await?;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// Statements sent: for tables with row security that holds for this login,
    /// `ALTER TABLE … NO FORCE ROW LEVEL SECURITY` before and `FORCE` after; for others, as on a
    /// first run or as superuser, none. Deferred constraints are checked before each, and are
    /// immediate for the rest of the transaction. Locks taken: `ACCESS EXCLUSIVE` on each of these
    /// tables until the transaction ends, waited for at most 5 s, and the advisory lock of changes
    /// to row security.
    /// Privilege needed: to own the tables. Transaction required: none; within one it is a
    /// savepoint.
    ///
    /// # Errors
    ///
    /// [`DbErr::Migration`] for a table that does not exist, cannot be altered, or would hide rows;
    /// otherwise the error of `work`. Nothing was changed then.
    fn maintenance<I, F, T>(
        &self,
        tables: I,
        work: F,
    ) -> impl Future<Output = Result<T, DbErr>> + Send
    where
        I: IntoIterator,
        I::Item: Into<TableRef>,
        F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, T> + Send,
        T: Send;
}

impl MaintenanceExt for SchemaManager<'_> {
    fn maintenance<I, F, T>(
        &self,
        tables: I,
        work: F,
    ) -> impl Future<Output = Result<T, DbErr>> + Send
    where
        I: IntoIterator,
        I::Item: Into<TableRef>,
        F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, T> + Send,
        T: Send,
    {
        let tables: Result<Vec<TableName>, DbErr> = tables.into_iter().map(named).collect();
        let db = self.get_connection();
        async move { maintain(db, &tables?, work).await }
    }
}

async fn maintain<F, T>(
    db: &DatabaseExecutor<'_>,
    tables: &[TableName],
    work: F,
) -> Result<T, DbErr>
where
    F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, T> + Send,
    T: Send,
{
    let transaction = db.begin().await?;
    match within(&transaction, tables, work).await {
        Ok(value) => {
            transaction.commit().await?;
            Ok(value)
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(explain(error))
        }
    }
}

async fn within<F, T>(db: &DatabaseTransaction, tables: &[TableName], work: F) -> Result<T, DbErr>
where
    F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, T> + Send,
{
    let mut forced = Vec::new();
    for table in tables {
        forced.extend(forced_on_us(db, table).await?);
    }

    force(db, &forced, false).await?;

    let guard = RowSecurityOff::begin(db).await?;
    let value = work(db).await?;
    guard.end(db).await?;
    force(db, &forced, true).await?;

    Ok(value)
}

/// The table with its schema, if its row security holds for this login.
async fn forced_on_us(
    db: &DatabaseTransaction,
    name: &TableName,
) -> Result<Option<TableName>, DbErr> {
    const ACTIVE: &str = "SELECT n.nspname::text AS schema, row_security_active(c.oid) AS active
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = CASE WHEN $1 IS NULL THEN to_regclass(quote_ident($2))::oid
                           ELSE (SELECT t.oid FROM pg_class t JOIN pg_namespace s ON s.oid = \
                           t.relnamespace
                                 WHERE s.nspname = $1 AND t.relname = $2) END
          AND c.relkind IN ('r', 'p')";

    let schema = name.schema.as_ref().map(Identifier::as_str);
    let values = [schema.into(), name.table.as_str().into()];
    let row = db
        .query_one_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            ACTIVE,
            values,
        ))
        .await?;

    let row =
        row.ok_or_else(|| DbErr::Migration(format!("table `{name}` is not in the database")))?;
    let schema: String = row.try_get("", "schema")?;
    let schema = Identifier::new(schema).map_err(|error| DbErr::Migration(error.to_string()))?;

    Ok(row
        .try_get::<bool>("", "active")?
        .then(|| name.or_in(&schema)))
}

async fn force(db: &DatabaseTransaction, tables: &[TableName], force: bool) -> Result<(), DbErr> {
    if tables.is_empty() {
        return Ok(());
    }

    // The server refuses to alter a table with pending checks.
    db.execute_unprepared("SET CONSTRAINTS ALL IMMEDIATE")
        .await?;

    let change = if force {
        RowSecurityChange::Force
    } else {
        RowSecurityChange::NoForce
    };

    let changes: Vec<Change> = tables
        .iter()
        .map(|table| Change::on(table.clone(), change))
        .collect();

    apply_changes(db, &changes)
        .await
        .map_err(|error| migration_error(&error))
}
