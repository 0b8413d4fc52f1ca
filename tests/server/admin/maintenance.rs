//! Data migrations by a login that owns the tables and is no superuser: nothing is passed over in
//! silence, and `maintenance` reaches every row.

use std::pin::Pin;

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, Database, DatabaseConnection, DbErr, EntityTrait,
    TransactionTrait,
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTraitSelf, SchemaManager};
use sea_orm_rls::migration::{MaintenanceExt, RlsMigrator};
use sea_orm_rls::{Registry, RlsConfig, RlsConnection, RlsError, UserContext, registry};
use uuid::Uuid;

use crate::fixture::{Public, config, plain_login, task, user};
use crate::lane::new_task;
use crate::schema::{text, texts};

type Run = for<'c, 'm> fn(
    &'c SchemaManager<'m>,
) -> Pin<Box<dyn Future<Output = Result<(), DbErr>> + Send + 'c>>;

#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    transaction: Option<bool>,
    up: Run,
    down: Run,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        (self.up)(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        (self.down)(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        self.transaction
    }
}

struct Steps(Vec<Step>);

impl MigratorTraitSelf for Steps {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        self.0
            .iter()
            .map(|step| Box::new(*step) as Box<dyn MigrationTrait>)
            .collect()
    }
}

async fn execute(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    manager
        .get_connection()
        .execute_unprepared(sql)
        .await
        .map(drop)
}

const NOTHING: Run = |_| Box::pin(async { Ok(()) });

const TABLES: Step = Step {
    name: "m1_tables",
    transaction: None,
    up: |manager| {
        Box::pin(execute(
            manager,
            r#"CREATE TABLE "user" (id uuid PRIMARY KEY, email text NOT NULL);
               CREATE TABLE task (id uuid PRIMARY KEY, title text NOT NULL, rank integer NOT NULL);
               CREATE TABLE stage (id integer PRIMARY KEY);
               INSERT INTO stage VALUES (1), (2);
               ALTER TABLE task ADD stage integer NOT NULL DEFAULT 1
                 REFERENCES stage DEFERRABLE INITIALLY DEFERRED"#,
        ))
    },
    down: |manager| {
        Box::pin(execute(
            manager,
            r#"DROP TABLE task; DROP TABLE "user"; DROP TABLE stage"#,
        ))
    },
};

/// The mistake: it means every row.
const SILENT: Run = |manager| Box::pin(execute(manager, "UPDATE task SET title = upper(title)"));

const MAINTAINED: Run = |manager| {
    Box::pin(async move {
        let rows = manager
            .maintenance(["task"], |db| {
                Box::pin(async move {
                    let locks = "SELECT DISTINCT mode FROM pg_locks WHERE relation = \
                                 'task'::regclass ORDER BY 1";
                    assert!(
                        texts(db, locks)
                            .await
                            .contains(&"AccessExclusiveLock".to_owned())
                    );

                    let updated = db
                        .execute_unprepared(
                            "UPDATE task SET title = upper(title), \
                                                         stage = 2",
                        )
                        .await?;

                    Ok(updated.rows_affected())
                })
            })
            .await?;

        assert_eq!(rows, 2, "of each user one");
        Ok(())
    })
};

const FAILED: Run = |manager| {
    Box::pin(async move {
        let failed = manager
            .maintenance(["task"], |db| {
                Box::pin(async move {
                    db.execute_unprepared("DELETE FROM task").await?;
                    db.execute_unprepared("SELECT 1/0").await.map(drop)
                })
            })
            .await;

        assert!(failed.is_err());

        // The migration may go on, in the same transaction.
        let forced = "SELECT relforcerowsecurity::text FROM pg_class WHERE relname = 'task'";
        assert_eq!(text(manager.get_connection(), forced).await, "true");

        execute(manager, "INSERT INTO stage VALUES (3)").await
    })
};

struct World {
    _database: testbed::Database,
    plain: DatabaseConnection,
    db: RlsConnection,
    config: RlsConfig,
    users: [Uuid; 2],
}

fn entities() -> Registry {
    registry![user::Entity, task::Entity].unwrap()
}

impl World {
    /// Tables that a plain login owns, with a task of each of two users.
    async fn new() -> Self {
        let database = testbed::server()
            .unwrap()
            .database("maintenance")
            .await
            .unwrap();

        let plain = plain_login(&database, Public::Granted).await;
        let config = config(&database);
        RlsMigrator::with(Steps(vec![TABLES]), entities(), config.clone())
            .up(&plain, None)
            .await
            .unwrap();

        let db = RlsConnection::connect_with(database.url(), config.clone(), entities())
            .await
            .unwrap();
        let users = [Uuid::new_v4(), Uuid::new_v4()];

        for id in users {
            let scope = db.scope(UserContext::new(id));
            let user = user::ActiveModel {
                id: sea_orm::Set(id),
                email: sea_orm::Set(id.to_string()),
            };
            user.insert(&scope).await.unwrap();
            new_task("small").insert(&scope).await.unwrap();
        }

        Self {
            _database: database,
            plain,
            db,
            config,
            users,
        }
    }

    fn migrator(&self, up: Run, down: Run, transaction: Option<bool>) -> RlsMigrator<Steps> {
        let steps = vec![
            TABLES,
            Step {
                name: "m2_data",
                transaction,
                up,
                down,
            },
        ];

        RlsMigrator::with(Steps(steps), entities(), self.config.clone())
    }

    async fn titles(&self) -> Vec<String> {
        let mut titles = Vec::new();
        for id in self.users {
            let tasks = task::Entity::find()
                .all(&self.db.scope(UserContext::new(id)))
                .await
                .unwrap();
            titles.extend(tasks.into_iter().map(|task| task.title));
        }

        titles
    }

    async fn assert_forced(&self) {
        let flags = "SELECT concat_ws(' ', relrowsecurity, relforcerowsecurity) FROM pg_class \
                     WHERE relname = 'task'";
        assert_eq!(text(&self.plain, flags).await, "t t");
    }
}

fn assert_says_what_to_do(result: Result<(), DbErr>, table: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, DbErr::Migration(_)), "{error:?}");

    let said = error.to_string();
    assert!(said.contains(&format!("of table `{table}`")), "{said}");

    assert!(
        said.contains(&format!(r#"manager.maintenance(["{table}"], …)"#)),
        "{said}"
    );
}

/// What SeaORM's own migrator does with it.
#[tokio::test]
async fn without_the_guard_a_data_migration_changes_nothing_in_silence() {
    let world = World::new().await;
    let steps = Steps(vec![
        TABLES,
        Step {
            name: "m2_data",
            transaction: None,
            up: SILENT,
            down: NOTHING,
        },
    ]);

    steps.up(&world.plain, None).await.unwrap();
    assert_eq!(world.titles().await, ["small", "small"]);
}

#[tokio::test]
async fn data_migration_that_row_security_would_filter_is_refused() {
    let world = World::new().await;
    for transaction in [None, Some(true), Some(false)] {
        let migrator = world.migrator(SILENT, NOTHING, transaction);
        assert_says_what_to_do(migrator.up(&world.plain, None).await, "task");
        let own = world.plain.begin().await.unwrap();

        assert_says_what_to_do(migrator.up(&own, None).await, "task");
        own.rollback().await.unwrap();
    }

    let reads: Run = |manager| {
        Box::pin(execute(
            manager,
            r#"CREATE TABLE emails AS SELECT email FROM "user""#,
        ))
    };

    assert_says_what_to_do(
        world
            .migrator(reads, NOTHING, None)
            .up(&world.plain, None)
            .await,
        "user",
    );

    let down = world.migrator(NOTHING, SILENT, None);
    down.up(&world.plain, None).await.unwrap();
    assert_says_what_to_do(down.down(&world.plain, Some(1)).await, "task");
    assert_says_what_to_do(down.refresh(&world.plain).await, "task");
    assert_says_what_to_do(down.reset(&world.plain).await, "task");
    world.assert_forced().await;
}

/// `ALTER TABLE … ADD FOREIGN KEY` reads both tables, and if their rows are hidden it would pass
/// any.
#[tokio::test]
async fn foreign_key_that_would_be_checked_against_no_row_is_refused() {
    let world = World::new().await;
    let add: Run = |manager| {
        Box::pin(execute(
            manager,
            "ALTER TABLE task ADD CONSTRAINT wrong FOREIGN KEY (rank) REFERENCES stage (id)",
        ))
    };

    world
        .db
        .scope(UserContext::new(world.users[0]))
        .execute_unprepared("UPDATE task SET rank = 99")
        .await
        .unwrap();
    assert_says_what_to_do(
        world
            .migrator(add, NOTHING, None)
            .up(&world.plain, None)
            .await,
        "task",
    );

    let maintained: Run = |manager| {
        Box::pin(manager.maintenance(["task"], |db| {
            Box::pin(async move {
                let add = "ALTER TABLE task ADD CONSTRAINT wrong FOREIGN KEY (rank) REFERENCES \
                           stage (id)";
                db.execute_unprepared(add).await.map(drop)
            })
        }))
    };

    let error = world
        .migrator(maintained, NOTHING, None)
        .up(&world.plain, None)
        .await
        .unwrap_err();

    assert_eq!(
        RlsError::from(error).sqlstate().as_deref(),
        Some("23503"),
        "it is checked"
    );
    world.assert_forced().await;
}

#[tokio::test]
async fn maintenance_reaches_every_row_and_forces_again() {
    for transaction in [None, Some(false)] {
        let world = World::new().await;
        let migrator = world.migrator(MAINTAINED, MAINTAINED, transaction);
        migrator.up(&world.plain, None).await.unwrap();
        assert_eq!(world.titles().await, ["SMALL", "SMALL"]);
        world.assert_forced().await;
        migrator.down(&world.plain, Some(1)).await.unwrap();
        world.assert_forced().await;
    }
}

#[tokio::test]
async fn maintenance_works_in_a_transaction_of_the_callers_and_leaves_its_settings() {
    let world = World::new().await;
    let settings =
        "SELECT concat_ws('|', current_setting('row_security'), current_setting('lock_timeout'))";
    let own = world.plain.begin().await.unwrap();
    let before = text(&own, settings).await;

    world
        .migrator(MAINTAINED, NOTHING, None)
        .up(&own, None)
        .await
        .unwrap();
    assert_eq!(text(&own, settings).await, before);
    own.commit().await.unwrap();
    assert_eq!(world.titles().await, ["SMALL", "SMALL"]);
    world.assert_forced().await;
}

#[tokio::test]
async fn failed_maintenance_undoes_all_and_forces_again() {
    let world = World::new().await;
    world
        .migrator(FAILED, NOTHING, None)
        .up(&world.plain, None)
        .await
        .unwrap();
    assert_eq!(world.titles().await, ["small", "small"]);
    assert_eq!(
        text(&world.plain, "SELECT max(id)::text FROM stage").await,
        "3"
    );
    world.assert_forced().await;
}

#[tokio::test]
async fn table_that_maintenance_does_not_name_is_refused_in_it() {
    let world = World::new().await;
    let forgets: Run = |manager| {
        Box::pin(manager.maintenance(["task"], |db| {
            Box::pin(async move {
                let join =
                    r#"UPDATE task SET title = u.email FROM "user" u WHERE u.id = task.owner_id"#;
                db.execute_unprepared(join).await.map(drop)
            })
        }))
    };

    assert_says_what_to_do(
        world
            .migrator(forgets, NOTHING, None)
            .up(&world.plain, None)
            .await,
        "user",
    );
    world.assert_forced().await;

    let missing: Run = |manager| {
        Box::pin(manager.maintenance([("public", "tasks")], |_| Box::pin(async { Ok(()) })))
    };
    let error = world
        .migrator(missing, NOTHING, None)
        .up(&world.plain, None)
        .await
        .unwrap_err();

    assert!(
        error
            .to_string()
            .contains("`public.tasks` is not in the database"),
        "{error}"
    );
}

#[tokio::test]
async fn maintenance_dropped_in_the_middle_leaves_nothing() {
    let world = World::new().await;
    let manager = SchemaManager::new(&world.plain);

    for polls in [3, 10, 20, 30, 40] {
        let work = manager.maintenance(["task"], |db| {
            Box::pin(async move {
                db.execute_unprepared("DELETE FROM task").await?;
                db.execute_unprepared("SELECT pg_sleep(0.2)")
                    .await
                    .map(drop)?;
                Err::<(), _>(DbErr::Custom("too late".to_owned()))
            })
        });

        crate::lane::drop_after(polls, work).await;
    }

    world.assert_forced().await;
    assert_eq!(world.titles().await, ["small", "small"]);
}

#[tokio::test]
async fn table_in_use_makes_maintenance_wait_and_give_up() {
    let world = World::new().await;
    let reader = world
        .db
        .scope(UserContext::new(world.users[0]))
        .begin()
        .await
        .unwrap();

    task::Entity::find().all(&reader).await.unwrap();

    let error = world
        .migrator(MAINTAINED, NOTHING, None)
        .up(&world.plain, None)
        .await
        .unwrap_err();

    assert!(
        error.to_string().contains("waited too long for a lock"),
        "{error}"
    );
    reader.commit().await.unwrap();
    world.assert_forced().await;
}

#[tokio::test]
async fn maintenance_alters_nothing_where_nothing_is_hidden() {
    let database = testbed::server()
        .unwrap()
        .database("superuser")
        .await
        .unwrap();

    let owner = Database::connect(database.url()).await.unwrap();
    let migrator = RlsMigrator::with(Steps(vec![TABLES]), entities(), config(&database));
    migrator.up(&owner, None).await.unwrap();

    let version = "SELECT xmin::text FROM pg_class WHERE relname = 'task'";
    let before = text(&owner, version).await;
    let manager = SchemaManager::new(&owner);

    manager
        .maintenance([task::Entity], |_| Box::pin(async { Ok(()) }))
        .await
        .unwrap();
    assert_eq!(text(&owner, version).await, before);
}
