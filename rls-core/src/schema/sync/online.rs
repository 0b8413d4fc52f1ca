//! Owner columns, keys and indexes on big tables that are in use: in steps none of which holds a
//! strong lock for long.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement, TransactionTrait,
};

use super::RlsSchema;
use super::lock::despite_deadlocks;
use super::run::{failure, foreign_rows};
use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, TableName};
use crate::schema::catalog::{self, IndexNamed, SearchPath, Session};
use crate::schema::plan::{Change, ColumnChange, ForeignKeyChange, Plan, TableChange};
use crate::schema::render::{self, Fill, Step};
use crate::sqlstate;

/// How many pages of a table one statement fills.
const PAGES: i64 = 2000;

/// How often rows that others have locked are asked for again, and how long after: 5 s in all, as
/// for any lock.
const ROUNDS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

impl RlsSchema {
    /// Adds the owner columns, defaults, foreign keys and indexes that [`RlsSchema::sync`] would
    /// add, without holding a lock that stops readers or writers for longer than a change of the
    /// catalog takes. Policies, flags and grants are left to a later [`RlsSchema::sync`]. Returns
    /// what was changed.
    ///
    /// Not all or nothing: what was done before a failure stays, and running it again goes on from
    /// there. Run one at a time. A program that inserts without a user meanwhile is refused from
    /// the moment a column refuses NULL.
    ///
    /// Statements sent: those of [`RlsSchema::plan`], and for each table a backfill of 2000 pages a
    /// statement that waits for no row, `CREATE INDEX CONCURRENTLY`, and constraints `NOT VALID` that are validated
    /// afterwards. Locks taken: `ACCESS EXCLUSIVE` for changes of the catalog alone, each waited
    /// for at most 5 s; `SHARE UPDATE EXCLUSIVE` and row locks for what takes time. Transaction
    /// required: none; it cannot run within one.
    ///
    /// # Errors
    ///
    /// As [`RlsSchema::sync`].
    pub async fn prepare_online(&self, db: &DatabaseConnection) -> Result<Plan, RlsError> {
        let plan = self.plan(db).await?;
        self.may_break(plan.breaking())?;
        let mut left = catalog::partitioned(db).await?;
        left.extend(catalog::distributed(db).await?);
        let mut steps: Vec<(Change, VecDeque<Step>)> = plan
            .changes
            .into_iter()
            // The server creates no index and no key of a partitioned table in steps, and Citus fills
            // no distributed one by its pages.
            .filter(|change| {
                let mut tables = change.table().into_iter().chain(refers_to(change));
                !tables.any(|table| left.contains(table))
            })
            .filter_map(|change| render::online(&change).map(|steps| (change, steps.into())))
            .collect();

        check_names(db, &steps).await?;
        check_references(db, &steps).await?;

        // Columns and defaults first: rows that are inserted meanwhile then have their owner.
        for (change, steps) in &mut steps {
            if matches!(
                change,
                Change::Table(
                    _,
                    TableChange::Column(
                        _,
                        ColumnChange::Add { .. } | ColumnChange::SetDefault { .. }
                    )
                )
            ) && let Some(step) = steps.pop_front()
            {
                run(db, change, step).await?;
            }
        }

        let mut changes = Vec::new();
        for (change, steps) in steps {
            for step in steps {
                run(db, &change, step).await?;
            }

            changes.push(change);
        }

        Ok(Plan {
            changes,
            unmanaged: plan.unmanaged,
            waiting: plan.waiting,
            ..Plan::default()
        })
    }
}

/// The table whose unique index a bound reference needs.
fn refers_to(change: &Change) -> Option<&TableName> {
    match change {
        Change::Table(_, TableChange::ForeignKey(ForeignKeyChange::Bind { parent, .. })) => {
            Some(parent)
        }
        _ => None,
    }
}

/// Checks the names of constraints that exist for a step only, before any step has run.
async fn check_names(
    db: &DatabaseConnection,
    steps: &[(Change, VecDeque<Step>)],
) -> Result<(), RlsError> {
    for step in steps.iter().flat_map(|(_, steps)| steps) {
        if let Step::Check {
            table,
            name,
            column,
            ..
        } = step
            && catalog::check_named(db, table, name, column).await? == Some(false)
        {
            return Err(taken(table, name).into());
        }
    }

    Ok(())
}

/// Checks the rows of references that are to be bound, before any step has run. Where an owner column
/// is yet to be added, and on tables that hide their rows from this login, the key tells later.
async fn check_references(
    db: &DatabaseConnection,
    steps: &[(Change, VecDeque<Step>)],
) -> Result<(), RlsError> {
    let added = |change: &Change| match change {
        Change::Table(table, TableChange::Column(_, ColumnChange::Add { .. })) => {
            Some(table.clone())
        }
        _ => None,
    };
    let added: Vec<TableName> = steps
        .iter()
        .filter_map(|(change, _)| added(change))
        .collect();

    for (change, _) in steps {
        let tables = change.table().zip(refers_to(change));
        if tables.is_some_and(|(table, parent)| !added.contains(table) && !added.contains(parent)) {
            foreign_rows(db, change).await?;
        }
    }

    Ok(())
}

async fn run(db: &DatabaseConnection, change: &Change, step: Step) -> Result<(), RlsError> {
    match step {
        Step::Together(statements) => within(db, change, &statements).await,
        Step::Index {
            table,
            name,
            drop,
            create,
        } => {
            match catalog::index_named(db, &table, &name).await? {
                None => {}
                Some(IndexNamed::BrokenOff) => alone(db, change, drop).await?,
                Some(IndexNamed::Other) => return Err(taken(&table, &name).into()),
            }

            alone(db, change, create).await
        }
        Step::Filled { table, column, any } => {
            let (table, column) = (table.to_string(), column.to_string());

            if self::any(db, any).await? {
                Err(SchemaError::RowsWithoutOwner { table, column }.into())
            } else {
                Ok(())
            }
        }
        Step::Check {
            table,
            name,
            column,
            add,
            validate,
            drop,
        } => {
            match catalog::check_named(db, &table, &name, &column).await? {
                None => within(db, change, &[add]).await?,
                // Left by a run that broke off.
                Some(true) => {}
                Some(false) => return Err(taken(&table, &name).into()),
            }

            let proven = within(db, change, &[validate]).await;
            if proven.is_err() {
                // If it stayed, it would refuse every change of a row without an owner.
                within(db, change, &[drop]).await?;
            }

            proven
        }
        Step::Bind {
            add,
            validate,
            drop,
            replace,
        } => {
            within(db, change, &[add]).await?;

            if let Err(error) = within(db, change, &[validate]).await {
                within(db, change, &[drop]).await?;
                if error.sqlstate().as_deref() == Some(sqlstate::FOREIGN_KEY_VIOLATION) {
                    foreign_rows(db, change).await?;
                }
                return Err(error);
            }

            within(db, change, &replace).await
        }
        Step::Pages { table, fill } => pages(db, change, &table, &fill).await,
    }
}

/// Fills the pages that the table has now, and then the rest, until others hold a row for too long.
async fn pages(
    db: &DatabaseConnection,
    change: &Change,
    table: &str,
    fill: &Fill,
) -> Result<(), RlsError> {
    let size =
        format!("SELECT pg_relation_size({table}) / current_setting('block_size')::int8 AS pages");
    let row = one_row(db, size)
        .await?
        .ok_or_else(|| SchemaError::Catalog {
            what: "a table without a size".to_owned(),
        })?;
    let pages: i64 = row.try_get("", "pages")?;

    for from in (0..pages).step_by(usize::try_from(PAGES).unwrap_or(usize::MAX)) {
        within(db, change, &[fill.between(from, from + PAGES)]).await?;
    }

    for _ in 0..ROUNDS {
        within(db, change, &[fill.rest()]).await?;

        if !any(db, fill.any()).await? {
            return Ok(());
        }

        tokio::time::sleep(PAUSE).await;
    }

    Err(SchemaError::LockTimeout { sql: fill.rest() }.into())
}

async fn one_row(db: &DatabaseConnection, sql: String) -> Result<Option<QueryResult>, DbErr> {
    db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
}

async fn any(db: &DatabaseConnection, sql: String) -> Result<bool, DbErr> {
    let row = one_row(db, sql).await?;
    row.map_or(Ok(false), |row| row.try_get("", "any"))
}

/// Runs a statement in no transaction, as the server requires.
async fn alone(db: &DatabaseConnection, change: &Change, sql: String) -> Result<(), RlsError> {
    match db.execute_unprepared(&sql).await {
        Ok(_) => Ok(()),
        Err(error) => Err(failure(change, sql, error).into()),
    }
}

fn taken(table: &TableName, name: &Identifier) -> SchemaError {
    SchemaError::NameTaken {
        table: table.to_string(),
        name: name.to_string(),
    }
}

/// Runs statements in one short transaction, with the settings of [`Session`].
async fn within(
    db: &DatabaseConnection,
    change: &Change,
    statements: &[String],
) -> Result<(), RlsError> {
    despite_deadlocks(|| within_once(db, change, statements)).await
}

async fn within_once(
    db: &DatabaseConnection,
    change: &Change,
    statements: &[String],
) -> Result<(), RlsError> {
    let transaction = db.begin().await?;
    let session = Session::enter(&transaction).await?;
    transaction
        .execute_unprepared(&session.path.creating())
        .await?;

    for sql in statements {
        tracing::info!(statement = %sql, "applying");
        transaction
            .execute_unprepared(sql)
            .await
            .map_err(|error| failure(change, sql.clone(), error))?;
    }

    transaction.execute_unprepared(SearchPath::PRINTING).await?;

    transaction
        .commit()
        .await
        .map_err(|error| RlsError::Database(Arc::new(error)))
}
