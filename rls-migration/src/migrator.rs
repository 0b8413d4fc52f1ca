use std::sync::Arc;

use rls_core::model::Identifier;
use rls_core::schema::RoleChange;
use rls_core::{Change, MissingTables, Registry, RlsConfig, RlsError, RlsSchema};
use sea_orm_migration::sea_orm::{DatabaseExecutor, DbErr, DynIden};
use sea_orm_migration::{IntoSchemaManagerConnection, MigrationTrait, MigratorTraitSelf};

use crate::error::migration_error;
use crate::fresh::drop_views;
use crate::guard::{DEADLOCKS, Guarded, SHOWN, is_deadlock};

/// Wraps a migrator, so that the registered tables are protected after it has run.
///
/// `up`, `fresh` and `refresh` do what the wrapped migrator does, and then bring every registered
/// table to what its entity says, in one transaction. `down` and `reset` do the same for the
/// registered tables that remain. While migrations are pending, registered tables are skipped that do
/// not exist yet, or not yet as their entities declare them. Once all have run, that is an error.
/// [`reviewed`](Self::reviewed) leaves all changes to migrations. Every method runs as SeaORM implements it, on the wrapped
/// migrator's migrations, even if the wrapped migrator overrides it.
///
/// `fresh` first drops the views and foreign tables of the current schema, with what depends on them:
/// SeaORM's own, which drops all tables, fails on those that read none.
///
/// Each wrapped migration runs with `row_security` off. The tables' owner reads and writes no row of
/// a table with forced row security, and an `UPDATE` would change nothing, without an error. With
/// `row_security` off the statement fails, and names the table;
/// [`maintenance`](crate::MaintenanceExt::maintenance) lets it run. A migration that is meant to see
/// what your own policies show its login executes `SET LOCAL row_security = on`. A migration that
/// wants no transaction gets connections of its own, with `-c row_security=off` among their options,
/// which a pooler in between must let through.
///
/// A migration may drop or retype what policies read. If these stand in its way, its statements are
/// undone, and it runs again without them; afterwards they are created again, in the same
/// transaction. A table that cannot have all of its policies again is closed to the application until
/// it converges.
///
/// ```no_run
/// # use rls_migration::RlsMigrator;
/// # use sea_orm_migration::prelude::*;
/// # struct Migrator;
/// # impl MigratorTrait for Migrator {
/// #     fn migrations() -> Vec<Box<dyn MigrationTrait>> { Vec::new() }
/// # }
/// # async fn main_() {
/// rls_migration::cli::run_cli(RlsMigrator::new(Migrator)).await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RlsMigrator<M> {
    inner: M,
    /// `None` is the environment, read when a command runs: SeaORM's command line reads `.env`
    /// before that.
    rls: Option<Arc<RlsSchema>>,
    converges: bool,
}

impl<M> RlsMigrator<M> {
    /// Wraps `migrator`, with the entities linked into this program and the configuration in the
    /// environment. A wrong configuration is the error of the first command that changes the schema,
    /// before it changes anything.
    #[must_use]
    pub fn new(migrator: M) -> Self {
        Self {
            inner: migrator,
            rls: None,
            converges: true,
        }
    }

    /// Wraps `migrator`, with these entities and this configuration.
    #[must_use]
    pub fn with(migrator: M, registry: Registry, config: RlsConfig) -> Self {
        Self {
            inner: migrator,
            rls: Some(Arc::new(RlsSchema::new(registry, config))),
            converges: true,
        }
    }

    /// Changes nothing but what the wrapped migrations do, which `rls generate` wrote and people
    /// reviewed. After `up`, a warning says if the database still differs from the entities.
    #[must_use]
    pub fn reviewed(mut self) -> Self {
        self.converges = false;
        self
    }

    /// The entities and the configuration.
    pub(crate) fn rls(&self) -> Result<RlsSchema, RlsError> {
        self.rls
            .as_deref()
            .cloned()
            .map_or_else(RlsSchema::from_env, Ok)
    }

    pub(crate) fn inner(&self) -> &M {
        &self.inner
    }

    /// Runs before the wrapped migrator, so that a wrong configuration leaves nothing half-applied.
    fn check(&self) -> Result<(), DbErr> {
        self.rls()
            .map(drop)
            .map_err(|error| migration_error(&error))
    }
}

impl<M: MigratorTraitSelf> RlsMigrator<M> {
    fn guarded(&self) -> Guarded<'_, M> {
        Guarded {
            inner: &self.inner,
            converges: self.converges,
        }
    }

    /// Follows migrations that were applied.
    async fn converge(&self, db: &DatabaseExecutor<'_>) -> Result<(), DbErr> {
        let pending = self.inner.get_pending_migrations(&borrowed(db)).await?;
        let missing = if pending.is_empty() {
            MissingTables::Refuse
        } else {
            MissingTables::Skip
        };

        if self.converges {
            self.sync(db, missing).await
        } else {
            self.remind(db, missing).await
        }
    }

    /// Follows migrations that were undone: the tables that remain stay protected.
    async fn keep(&self, db: &DatabaseExecutor<'_>) -> Result<(), DbErr> {
        if self.converges {
            self.sync(db, MissingTables::Skip).await
        } else {
            Ok(())
        }
    }

    async fn sync(&self, db: &DatabaseExecutor<'_>, missing: MissingTables) -> Result<(), DbErr> {
        let rls = self
            .rls()
            .map_err(|error| migration_error(&error))?
            .missing_tables(missing);

        let plan = rls.sync(db).await.map_err(|error| match error {
            RlsError::Schema(error) => DbErr::Migration(error.to_string()),
            error => migration_error(&error),
        })?;

        let waiting = plan.waiting().len();
        if plan.is_empty() && waiting == 0 {
            tracing::info!(target: SHOWN, "Row-level security is as the entities say");
        } else if plan.is_empty() {
            tracing::info!(
                target: SHOWN,
                "Row-level security: nothing to change, and tables that wait for pending \
                 migrations: {waiting}"
            );
        } else {
            let changes = plan.changes().len();
            let plural = if changes == 1 { "" } else { "s" };
            tracing::info!(target: SHOWN, "Row-level security: {changes} change{plural} applied");
        }

        for (change, breaking) in plan.breaking() {
            tracing::warn!(
                target: SHOWN,
                "`{}`: {breaking}. `rls plan` shows such changes before, and RLS_REFUSE_BREAKING=true \
                 has `up` refuse them",
                change.sql().join("; ")
            );
        }

        for role in without_password(plan.changes()) {
            tracing::warn!(
                target: SHOWN,
                "The role `{role}` was made without a password, since RLS_APP_PASSWORD or \
                 RLS_MAINTENANCE_ADMIN_PASSWORD is not set: it can log in only where the server \
                 asks for none. Set the variable and run `up` again"
            );
        }

        Ok(())
    }

    /// Logs whether the database differs from the entities. A login that may not plan may still
    /// migrate, so a failure to compare is a warning.
    async fn remind(&self, db: &DatabaseExecutor<'_>, missing: MissingTables) -> Result<(), DbErr> {
        let rls = self
            .rls()
            .map_err(|error| migration_error(&error))?
            .missing_tables(missing);

        match rls.script(db).await {
            Ok(script) if script.is_empty() => {
                tracing::info!(target: SHOWN, "Row-level security is as the entities say");
            }
            Ok(_) => tracing::warn!(
                target: SHOWN,
                "Row-level security is not yet as the entities say: `rls generate NAME` writes the \
                 missing migration"
            ),
            Err(RlsError::Schema(error)) => {
                tracing::warn!(target: SHOWN, "Row-level security was not compared: {error}");
            }
            Err(error) => return Err(migration_error(&error)),
        }

        Ok(())
    }
}

#[async_trait::async_trait]
impl<M: MigratorTraitSelf> MigratorTraitSelf for RlsMigrator<M> {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        self.inner.migrations()
    }

    fn migration_table_name(&self) -> DynIden {
        self.inner.migration_table_name()
    }

    async fn up<'c, C>(&self, db: C, steps: Option<u32>) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        self.check()?;
        let db = db.into_database_executor();
        self.guarded().up(borrowed(&db), steps).await?;

        self.converge(&db).await
    }

    async fn down<'c, C>(&self, db: C, steps: Option<u32>) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        self.check()?;
        let db = db.into_database_executor();
        self.guarded().down(borrowed(&db), steps).await?;

        self.keep(&db).await
    }

    async fn fresh<'c, C>(&self, db: C) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        self.check()?;
        let db = db.into_database_executor();
        let mut deadlocks = 0;
        loop {
            let fresh = async {
                drop_views(&db).await?;
                self.guarded().fresh(borrowed(&db)).await
            };

            match fresh.await {
                // The service's statements lock tables in another order than they are dropped in.
                // Outside a transaction all can be dropped once more.
                Err(error)
                    if deadlocks < DEADLOCKS
                        && matches!(db, DatabaseExecutor::Connection(_))
                        && is_deadlock(&error) =>
                {
                    deadlocks += 1;
                }
                done => break done?,
            }
        }

        self.converge(&db).await
    }

    async fn refresh<'c, C>(&self, db: C) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        self.check()?;
        let db = db.into_database_executor();
        self.guarded().refresh(borrowed(&db)).await?;

        self.converge(&db).await
    }

    async fn reset<'c, C>(&self, db: C) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        self.check()?;
        let db = db.into_database_executor();
        self.guarded().reset(borrowed(&db)).await?;

        self.keep(&db).await
    }
}

fn borrowed<'a>(db: &'a DatabaseExecutor<'_>) -> DatabaseExecutor<'a> {
    match db {
        DatabaseExecutor::Connection(connection) => DatabaseExecutor::Connection(connection),
        DatabaseExecutor::Transaction(transaction) => DatabaseExecutor::Transaction(transaction),
        DatabaseExecutor::OwnedTransaction(transaction) => {
            DatabaseExecutor::Transaction(transaction)
        }
    }
}

/// The roles that were made without a password.
fn without_password(changes: &[Change]) -> impl Iterator<Item = &Identifier> {
    changes.iter().filter_map(|change| match change {
        Change::Role(role, RoleChange::Create { verifier: None }) => Some(role),
        _ => None,
    })
}
