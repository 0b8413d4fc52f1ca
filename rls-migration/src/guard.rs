//! Migrations with `row_security` off: a statement that policies would filter fails, instead of
//! missing rows without an error.

use rls_core::RlsError;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseConnectionType, DatabaseExecutor, DbBackend,
    DbErr, DynIden, SqlxPostgresConnector, Statement,
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTraitSelf, SchemaManager};

use crate::error::migration_error;

/// A migrator that runs each migration with `row_security` off.
pub(crate) struct Guarded<'a, M>(pub(crate) &'a M);

#[async_trait::async_trait]
impl<M: MigratorTraitSelf> MigratorTraitSelf for Guarded<'_, M> {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let guard = |migration| Box::new(GuardedMigration(migration)) as Box<dyn MigrationTrait>;
        self.0.migrations().into_iter().map(guard).collect()
    }

    fn migration_table_name(&self) -> DynIden {
        self.0.migration_table_name()
    }
}

struct GuardedMigration(Box<dyn MigrationTrait>);

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
                let done = self.within(manager, direction).await;

                // After a failure the transaction may be aborted, and its rollback restores the
                // setting.
                let restored = guard.end(db).await;
                done.and(restored)
            }
        };

        done.map_err(explain)
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
        let done = self.within(&SchemaManager::new(&guarded), direction).await;
        let closed = guarded.close().await;

        done.and(closed)
    }

    async fn within(&self, manager: &SchemaManager<'_>, direction: Direction) -> Result<(), DbErr> {
        match direction {
            Direction::Up => self.0.up(manager).await,
            Direction::Down => self.0.down(manager).await,
        }
    }
}

impl MigrationName for GuardedMigration {
    fn name(&self) -> &str {
        self.0.name()
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
        self.0.use_transaction()
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

/// Makes an error of hidden rows say what to do.
pub(crate) fn explain(error: DbErr) -> DbErr {
    match RlsError::from(&error) {
        hidden @ RlsError::RowsHidden { .. } => migration_error(&hidden),
        _ => error,
    }
}
