//! A migration or a sync, and transactions of the service that lock the same tables in the other
//! order.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    TransactionTrait,
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTraitSelf, SchemaManager};
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::migration::{RlsMigrator, RlsSchemaManagerExt};
use sea_orm_rls::schema::{apply_changes, apply_statements};
use sea_orm_rls::{RlsError, RlsSchema};

use super::text;
use crate::fixture::{Fixture, entities};

/// A database on which a sync changes `note`, and then `task`.
struct World {
    fixture: Fixture,
    rls: RlsSchema,
    /// As the migrations' login. Of those that wait for each other, the server ends its transaction:
    /// it looks for deadlocks first.
    migrations: DatabaseConnection,
}

impl World {
    async fn new() -> Self {
        const DRIFT: &str = "ALTER TABLE note DISABLE ROW LEVEL SECURITY;
            ALTER TABLE task DISABLE ROW LEVEL SECURITY";

        let fixture = Fixture::new(1).await;
        fixture.owner.execute_unprepared(DRIFT).await.unwrap();
        let mut options = ConnectOptions::new(fixture.database.url());
        options.map_sqlx_postgres_opts(|options| options.options([("deadlock_timeout", "3s")]));

        Self {
            rls: RlsSchema::new(entities(), fixture.config.clone()),
            migrations: Database::connect(options).await.unwrap(),
            fixture,
        }
    }

    /// As many transactions of the service, which have written to `table`.
    async fn service(&self, count: usize, table: &str) -> Vec<DatabaseTransaction> {
        let mut transactions = Vec::new();
        for _ in 0..count {
            let transaction = self.fixture.owner.begin().await.unwrap();
            let patient = "SET LOCAL deadlock_timeout = '1min'";
            transaction.execute_unprepared(patient).await.unwrap();
            write(&transaction, table).await.unwrap();
            transactions.push(transaction);
        }
        transactions
    }

    async fn is_protected(&self) -> bool {
        let plan = self.rls.plan(&self.fixture.owner).await.unwrap();
        plan.is_empty()
    }
}

/// Changes `note`, and then `task`, the second perhaps by a method of this library.
#[derive(Clone, Copy)]
struct Migration {
    by_method: bool,
}

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "stars"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("ALTER TABLE note ADD stars integer")
            .await?;
        if self.by_method {
            return manager.enable_rls("task").await;
        }

        db.execute_unprepared("ALTER TABLE task ADD stars integer")
            .await?;
        Ok(())
    }
}

struct Migrator(Migration);

#[async_trait::async_trait]
impl MigratorTraitSelf for Migrator {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(self.0)]
    }
}

/// Locks the table as a statement does that writes to it.
async fn write(transaction: &DatabaseTransaction, table: &str) -> Result<(), DbErr> {
    let lock = format!("LOCK TABLE {table} IN ROW EXCLUSIVE MODE");
    transaction.execute_unprepared(&lock).await?;
    Ok(())
}

/// Each writes to the first table too, when someone who has locked that waits for the second.
async fn go_on(
    service: Vec<DatabaseTransaction>,
    (kept, awaited): (&str, &str),
) -> Result<(), DbErr> {
    let waiting = format!(
        "SELECT count(*)::text FROM pg_locks waits JOIN pg_locks has USING (pid)
         WHERE waits.relation = '{awaited}'::regclass AND NOT waits.granted
           AND has.relation = '{kept}'::regclass AND has.granted
           AND has.mode IN ('AccessExclusiveLock', 'ShareRowExclusiveLock')"
    );

    for transaction in service {
        let met = async {
            while text(&transaction, &waiting).await == "0" {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), met)
            .await
            .expect("someone has locked the first table and waits for the second");

        write(&transaction, kept).await?;
        transaction.commit().await?;
    }

    Ok(())
}

#[tokio::test]
async fn sync_is_tried_again_after_a_deadlock() {
    let world = World::new().await;
    let service = world.service(2, "task").await;
    let (synced, went_on) = tokio::join!(
        world.rls.sync(&world.migrations),
        go_on(service, ("note", "task"))
    );
    went_on.unwrap();
    assert_eq!(synced.unwrap().changes().len(), 2);
    assert!(world.is_protected().await);
}

#[tokio::test]
async fn sync_in_a_transaction_of_the_caller_is_tried_again_after_a_deadlock() {
    let world = World::new().await;
    let service = world.service(2, "task").await;
    let transaction = world.migrations.begin().await.unwrap();
    let (synced, went_on) = tokio::join!(
        world.rls.sync(&transaction),
        go_on(service, ("note", "task"))
    );
    went_on.unwrap();
    assert_eq!(synced.unwrap().changes().len(), 2);
    transaction.commit().await.unwrap();
    assert!(world.is_protected().await);
}

#[tokio::test]
async fn changes_are_tried_again_after_a_deadlock() {
    let world = World::new().await;
    let plan = world.rls.plan(&world.fixture.owner).await.unwrap();
    let service = world.service(1, "task").await;
    let applied = apply_changes(&world.migrations, plan.changes());
    let (applied, went_on) = tokio::join!(applied, go_on(service, ("note", "task")));
    went_on.unwrap();
    applied.unwrap();
    assert!(world.is_protected().await);
}

#[tokio::test]
async fn statements_of_a_file_are_tried_again_after_a_deadlock() {
    const FILE: [&str; 2] = [
        "ALTER TABLE note ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE task ENABLE ROW LEVEL SECURITY",
    ];

    let world = World::new().await;
    let service = world.service(1, "task").await;
    let applied = apply_statements(&world.migrations, &FILE);
    let (applied, went_on) = tokio::join!(applied, go_on(service, ("note", "task")));
    went_on.unwrap();
    applied.unwrap();
    assert!(world.is_protected().await);
}

#[tokio::test]
async fn online_step_is_tried_again_after_a_deadlock() {
    const DROP: &str = "SELECT format('ALTER TABLE task DROP CONSTRAINT %I', conname)
        FROM pg_constraint WHERE conrelid = 'task'::regclass AND contype = 'f'";

    let world = World::new().await;
    let drop = text(&world.fixture.owner, DROP).await;
    world.fixture.owner.execute_unprepared(&drop).await.unwrap();
    let service = world.service(1, "\"user\"").await;
    let prepared = world.rls.prepare_online(&world.migrations);
    let (prepared, went_on) = tokio::join!(prepared, go_on(service, ("task", "\"user\"")));
    went_on.unwrap();
    prepared.unwrap();
    world.rls.sync(&world.migrations).await.unwrap();
    assert!(world.is_protected().await);
}

#[tokio::test]
async fn migration_is_tried_again_after_a_deadlock() {
    for by_method in [false, true] {
        let world = World::new().await;
        let service = world.service(1, "task").await;
        let migrator = Migrator(Migration { by_method });
        let migrator = RlsMigrator::with(migrator, entities(), world.fixture.config.clone());
        let (migrated, went_on) = tokio::join!(
            migrator.up(&world.migrations, None),
            go_on(service, ("note", "task"))
        );
        went_on.unwrap();
        migrated.unwrap();
        assert!(world.is_protected().await);
    }
}

#[tokio::test]
async fn migration_that_is_always_in_a_deadlock_says_so() {
    let world = World::new().await;
    let service = world.service(6, "task").await;
    let migrator = Migrator(Migration { by_method: false });
    let migrator = RlsMigrator::with(migrator, entities(), world.fixture.config.clone());
    let (migrated, went_on) = tokio::join!(
        migrator.up(&world.migrations, None),
        go_on(service, ("note", "task"))
    );
    went_on.unwrap();

    let error = migrated.unwrap_err().to_string();
    assert!(
        error.contains("(deadlock). What it did was undone"),
        "{error}"
    );
    migrator.up(&world.migrations, None).await.unwrap();
    assert!(world.is_protected().await);
}

#[tokio::test]
async fn fifth_deadlock_is_an_error_that_leaves_nothing_changed() {
    let world = World::new().await;
    let before = world.rls.plan(&world.fixture.owner).await.unwrap();
    let service = world.service(5, "task").await;
    let (synced, went_on) = tokio::join!(
        world.rls.sync(&world.migrations),
        go_on(service, ("note", "task"))
    );
    went_on.unwrap();

    let error = synced.unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::Deadlock { sql, .. }) if sql.contains("task")),
        "{error}"
    );
    assert_eq!(error.sqlstate().as_deref(), Some("40P01"));
    assert_eq!(world.rls.plan(&world.fixture.owner).await.unwrap(), before);
    world.rls.sync(&world.migrations).await.unwrap();
}
