//! Migrations with `row_security` off: a statement that policies would filter fails, instead of
//! missing rows without an error. And with the policies out of their way that read what they drop or
//! alter.

use rls_core::schema::{DroppedPolicies, Obstacles, StandingPolicies};
use rls_core::{RlsError, TableName};
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseConnectionType, DatabaseExecutor,
    DatabaseTransaction, DbBackend, DbErr, DynIden, SqlxPostgresConnector, Statement,
    TransactionTrait,
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTraitSelf, SchemaManager};

use crate::error::migration_error;

/// A log target that SeaORM's command line prints.
pub(crate) const SHOWN: &str = "sea_orm_migration::rls";

/// A migrator that runs each migration with `row_security` off.
pub(crate) struct Guarded<'a, M> {
    pub(crate) inner: &'a M,
    /// Whether the registered tables converge afterwards, so that policies may be dropped for a
    /// migration.
    pub(crate) converges: bool,
}

#[async_trait::async_trait]
impl<M: MigratorTraitSelf> MigratorTraitSelf for Guarded<'_, M> {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let guard = |inner| {
            let converges = self.converges;
            Box::new(GuardedMigration { inner, converges }) as Box<dyn MigrationTrait>
        };
        self.inner.migrations().into_iter().map(guard).collect()
    }

    fn migration_table_name(&self) -> DynIden {
        self.inner.migration_table_name()
    }
}

struct GuardedMigration {
    inner: Box<dyn MigrationTrait>,
    converges: bool,
}

/// What to do about a policy in the way that nothing creates again.
const BY_HAND: &str = "let the migration drop them first (`manager.drop_policy`), and create them \
                       again for what it leaves";
/// The same, if a migration runs in no transaction.
const NO_TRANSACTION: &str = "they are dropped and created again for a migration that runs in a \
                              transaction: let this one use a transaction, or drop them in a \
                              migration before it, and `up` creates them again at its end";
/// The same, if nothing converges after the migrations.
const REVIEWED: &str = "let the migration drop them first (`manager.drop_policy`); after `up`, `rls \
                        generate NAME` writes the migration that creates them again";

/// What is said of the last one.
const DEADLOCK: &str = "the migration and statements of the service each waited for a table that the \
                        other's transaction had locked, each time it ran, so PostgreSQL ended the \
                        migration (deadlock). What it did was undone: run it again when the service has \
                        less to do";

/// How often a migration runs again that met the service's statements in a deadlock.
pub(crate) const DEADLOCKS: usize = 5;

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

impl GuardedMigration {
    async fn run(&self, manager: &SchemaManager<'_>, direction: Direction) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let done = match db {
            _ if db.get_database_backend() != DbBackend::Postgres => {
                self.within(manager, direction).await
            }
            DatabaseExecutor::Connection(connection) => {
                self.on_connections(manager, connection, direction).await
            }
            _ => {
                let guard = RowSecurityOff::begin(db).await?;
                let done = self.in_transaction(manager, direction).await;

                // After a failure the transaction may be aborted, and its rollback restores the
                // setting.
                let restored = guard.end(db).await;
                done.and(restored)
            }
        };

        done.map_err(explain)
    }

    /// Runs the migration. If policies of this library stand in its way, its statements are undone,
    /// and it runs again without them; those that still can be are created again.
    async fn in_transaction(
        &self,
        manager: &SchemaManager<'_>,
        direction: Direction,
    ) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let standing = read(db).await?;

        if !self.converges || standing.none_of_ours() {
            let remedy = if self.converges { BY_HAND } else { REVIEWED };
            let done = self.within(manager, direction).await;
            return done.map_err(|error| in_the_way(&standing, error, None, remedy));
        }

        let mut obstacles = Obstacles::default();
        let mut deadlocks = 0;
        loop {
            let savepoint = db.begin().await?;
            let done = self.without(&savepoint, &standing, &obstacles, direction);
            let error = match done.await {
                Ok(()) => return savepoint.commit().await,
                Err(error) => error,
            };
            savepoint.rollback().await?;

            // The rollback has released its locks.
            if is_deadlock(&error) {
                if deadlocks == DEADLOCKS {
                    return Err(DbErr::Migration(DEADLOCK.to_owned()));
                }
                deadlocks += 1;
                continue;
            }

            match standing.in_the_way(&error, &obstacles) {
                Some(more) => obstacles = more,
                None => return Err(in_the_way(&standing, error, Some(&obstacles), BY_HAND)),
            }
        }
    }

    /// Runs the migration without the policies that stand in its way.
    async fn without(
        &self,
        db: &DatabaseTransaction,
        standing: &StandingPolicies,
        obstacles: &Obstacles,
        direction: Direction,
    ) -> Result<(), DbErr> {
        let dropped = standing.drop(db, obstacles).await;
        let dropped = dropped.map_err(|error| migration_error(&error))?;
        self.within(&SchemaManager::new(db), direction).await?;

        let closed = standing.restore(db, dropped).await;
        self.report(closed)
    }

    fn report(&self, closed: Result<Vec<TableName>, RlsError>) -> Result<(), DbErr> {
        for table in closed.map_err(|error| migration_error(&error))? {
            tracing::info!(
                target: SHOWN,
                "Table `{table}` is closed to the application: migration `{}` took from it what its \
                 policies read",
                self.inner.name()
            );
        }

        Ok(())
    }

    /// A migration that wants no transaction may run on several connections, so each gets the setting
    /// as it logs in.
    async fn on_connections(
        &self,
        manager: &SchemaManager<'_>,
        connection: &DatabaseConnection,
        direction: Direction,
    ) -> Result<(), DbErr> {
        let DatabaseConnectionType::SqlxPostgresPoolConnection(_) = &connection.inner else {
            return self.within(manager, direction).await;
        };
        let pool = connection.get_postgres_connection_pool();
        let options = pool
            .connect_options()
            .as_ref()
            .clone()
            .options([("row_security", "off")]);

        let pool = pool
            .options()
            .clone()
            .min_connections(0)
            .connect_lazy_with(options);

        let guarded = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
        let done = self.in_steps(&guarded, direction).await;
        let closed = guarded.close().await;

        done.and(closed)
    }

    /// Runs a migration each of whose statements stands at once. A table that loses a policy by it is
    /// closed afterwards, also if a later statement fails.
    async fn in_steps(&self, db: &DatabaseConnection, direction: Direction) -> Result<(), DbErr> {
        let standing = read(db).await?;
        let done = self.within(&SchemaManager::new(db), direction).await;

        if self.converges && !standing.none_of_ours() {
            self.report(standing.restore(db, DroppedPolicies::default()).await)?;
        }

        let remedy = if self.converges {
            NO_TRANSACTION
        } else {
            REVIEWED
        };
        done.map_err(|error| in_the_way(&standing, error, None, remedy))
    }

    async fn within(&self, manager: &SchemaManager<'_>, direction: Direction) -> Result<(), DbErr> {
        match direction {
            Direction::Up => self.inner.up(manager).await,
            Direction::Down => self.inner.down(manager).await,
        }
    }
}

impl MigrationName for GuardedMigration {
    fn name(&self) -> &str {
        self.inner.name()
    }
}

#[async_trait::async_trait]
impl MigrationTrait for GuardedMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.run(manager, Direction::Up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.run(manager, Direction::Down).await
    }

    fn use_transaction(&self) -> Option<bool> {
        self.inner.use_transaction()
    }
}

/// `row_security` off in a transaction, with the value it had before.
pub(crate) struct RowSecurityOff {
    was: String,
}

impl RowSecurityOff {
    pub(crate) async fn begin(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        const WAS: &str = "SELECT current_setting('row_security') AS was";

        let row = db
            .query_one_raw(Statement::from_string(DbBackend::Postgres, WAS))
            .await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("row_security".to_owned()))?;
        let was = row.try_get("", "was")?;

        db.execute_unprepared("SET LOCAL row_security = off")
            .await?;
        Ok(Self { was })
    }

    /// Restores the value: settings outlive a savepoint, and the transaction may be the caller's.
    pub(crate) async fn end(self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        const RESTORE: &str = "SELECT set_config('row_security', $1, true)";

        let restore =
            Statement::from_sql_and_values(DbBackend::Postgres, RESTORE, [self.was.into()]);
        db.execute_raw(restore).await.map(drop)
    }
}

async fn read(db: &impl ConnectionTrait) -> Result<StandingPolicies, DbErr> {
    let standing = StandingPolicies::read(db).await;
    standing.map_err(|error| migration_error(&error))
}

pub(crate) fn is_deadlock(error: &DbErr) -> bool {
    RlsError::from(error).sqlstate().as_deref() == Some("40P01")
}

/// Makes an error of policies in the way say which they are, and what to do.
fn in_the_way(
    standing: &StandingPolicies,
    error: DbErr,
    dropped: Option<&Obstacles>,
    remedy: &str,
) -> DbErr {
    let none = Obstacles::default();
    match standing.explain(&error, dropped.unwrap_or(&none), remedy) {
        Some(explained) => migration_error(&explained.into()),
        None => error,
    }
}

/// Makes an error of hidden rows say what to do.
pub(crate) fn explain(error: DbErr) -> DbErr {
    match RlsError::from(&error) {
        hidden @ RlsError::RowsHidden { .. } => migration_error(&hidden),
        _ => error,
    }
}
