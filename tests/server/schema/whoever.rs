//! One database, one answer, whoever asks; and what a login that only reads, or that somebody keeps
//! waiting, gets.

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, TransactionTrait};
use sea_orm_rls::doctor::Doctor;
use sea_orm_rls::error::{NoCopies, SchemaError};
use sea_orm_rls::schema::{Change, ensure_roles};
use sea_orm_rls::{RlsConfig, RlsError, RlsSchema};

use super::text;
use crate::fixture::{Public, config, entities, plain_login};

const TABLES: &str = r#"CREATE TABLE "user" (id uuid PRIMARY KEY, email text);
    CREATE TABLE task (id uuid PRIMARY KEY, title text, rank integer);
    CREATE TABLE note (id serial PRIMARY KEY, task_id uuid REFERENCES task, body text)"#;

struct World {
    database: testbed::Database,
    superuser: DatabaseConnection,
    plain: DatabaseConnection,
    config: RlsConfig,
    rls: RlsSchema,
}

impl World {
    async fn new(public: Public) -> Self {
        let database = testbed::server().unwrap().database("asked").await.unwrap();
        let superuser = Database::connect(database.url()).await.unwrap();
        let plain = plain_login(&database, public).await;
        plain.execute_unprepared(TABLES).await.unwrap();
        let config = config(&database);
        let rls = RlsSchema::new(entities(), config.clone());

        Self {
            database,
            superuser,
            plain,
            config,
            rls,
        }
    }

    /// A login that reads all rows and makes temporary tables, and does nothing else.
    async fn reader(&self) -> DatabaseConnection {
        let role = self.database.role("reader");
        let create = format!(
            "CREATE ROLE \"{role}\" LOGIN PASSWORD 'reader'; GRANT pg_read_all_data TO \"{role}\""
        );
        self.superuser.execute_unprepared(&create).await.unwrap();
        Database::connect(self.database.url_as(&role, "reader"))
            .await
            .unwrap()
    }

    async fn rules(&self, login: &DatabaseConnection) -> Vec<&'static str> {
        let report = Doctor::new(entities(), self.config.clone())
            .examine(login)
            .await
            .unwrap();
        report.findings().iter().map(|one| one.rule.id).collect()
    }
}

/// FAULTS M8, A14.
#[tokio::test]
async fn nothing_is_left_to_change_whoever_synced_and_whoever_asks() {
    for public in [Public::Granted, Public::Owned] {
        for by_superuser in [false, true] {
            let world = World::new(public).await;
            let reader = world.reader().await;
            // The roles are the plain login's, so that it may set their passwords.
            ensure_roles(&world.plain, &world.config).await.unwrap();
            let by = if by_superuser {
                &world.superuser
            } else {
                &world.plain
            };
            world.rls.sync(by).await.unwrap();

            for (login, uncompared) in [(&world.superuser, 0), (&world.plain, 2), (&reader, 0)] {
                let plan = world.rls.plan(login).await.unwrap();
                assert!(plan.is_empty(), "{public:?} {by_superuser}: {plan}");
                assert_eq!(plan.passwords().len(), uncompared);
                assert!(!world.rules(login).await.contains(&"RLS107"));
            }

            let plan = world.rls.plan(&world.plain).await.unwrap();
            let app = world.config.app_role();
            assert!(
                plan.text(false)
                    .to_string()
                    .contains(&format!("password of role {app} not compared")),
                "{}",
                plan.text(false)
            );
            assert!(plan.json().contains(&format!("\"passwords\":[\"{app}\"")));

            // `up` sets it again: somebody may have changed it.
            let other = format!("ALTER ROLE \"{app}\" PASSWORD 'other'");
            world.superuser.execute_unprepared(&other).await.unwrap();
            assert!(!world.rls.plan(&world.superuser).await.unwrap().is_empty());
            let set = world.rls.sync(&world.plain).await.unwrap();
            assert!(
                set.changes()
                    .iter()
                    .all(|change| matches!(change, Change::Role(..))),
                "{set}"
            );
            assert_eq!(set.changes().len(), 2);
            assert!(world.rls.plan(&world.superuser).await.unwrap().is_empty());
        }
    }
}

/// FAULTS M7.
#[tokio::test]
async fn login_that_only_reads_is_told_so_and_the_doctor_runs() {
    let world = World::new(Public::Granted).await;
    world.rls.sync(&world.plain).await.unwrap();
    let healthy = world.rules(&world.plain).await;

    let reads = |url: String| async move {
        let mut options = ConnectOptions::new(url);
        options.map_sqlx_postgres_opts(|options| {
            options.options([("default_transaction_read_only", "on")])
        });
        Database::connect(options).await.unwrap()
    };
    let superuser = reads(world.database.url()).await;
    let plain = reads(
        world
            .database
            .url_as(&world.database.role("plain"), "plain"),
    )
    .await;

    for login in [&superuser, &plain] {
        let script = world.rls.script(login).await.map(drop);
        let sync = world.rls.sync(login).await.map(drop);
        for asked in [world.rls.plan(login).await.map(drop), script, sync] {
            let error = asked.unwrap_err();
            assert!(
                matches!(&error, RlsError::Schema(SchemaError::CannotVerify { because })
                    if *because == NoCopies::ReadOnly),
                "{error}"
            );
            assert!(
                error.to_string().contains("default_transaction_read_only"),
                "{error}"
            );
        }
    }

    let mut expected = healthy.clone();
    expected.push("RLS113");
    expected.sort_unstable();
    let mut found = world.rules(&superuser).await;
    found.sort_unstable();
    assert_eq!(found, expected, "the plan alone is not examined");

    let found = world.rules(&plain).await;
    assert!(found.iter().all(|id| expected.contains(id)), "{found:?}");

    world
        .superuser
        .execute_unprepared("ALTER TABLE task DISABLE ROW LEVEL SECURITY")
        .await
        .unwrap();
    assert!(world.rules(&plain).await.contains(&"RLS103"));
}

/// FAULTS A24: as SQL text of a user can.
#[tokio::test]
async fn session_that_holds_the_lock_of_the_migrations_is_named() {
    const LOCK: &str = "SELECT pg_advisory_lock(x'7365612d726c7321'::bit(64)::int8)";

    let world = World::new(Public::Granted).await;
    world.rls.sync(&world.plain).await.unwrap();
    let app = world.config.app_role().as_str();
    let mut options = ConnectOptions::new(world.database.url_as(app, "app password'\\"));
    options
        .max_connections(1)
        .map_sqlx_postgres_opts(|options| options.application_name("web shop"));
    let holder = Database::connect(options).await.unwrap();
    holder.execute_unprepared(LOCK).await.unwrap();
    let pid = text(&holder, "SELECT pg_backend_pid()::text").await;

    let mut options = ConnectOptions::new(world.database.url());
    options.map_sqlx_postgres_opts(|options| options.options([("lock_timeout", "300ms")]));
    let waits = Database::connect(options).await.unwrap();
    let tried = [
        world.rls.sync(&waits).await.map(drop),
        ensure_roles(&waits, &world.config).await.map(drop),
        sea_orm_rls::schema::apply_statements(&waits, &["SELECT 1"]).await,
        sea_orm_rls::schema::apply_changes(&waits, &[]).await,
    ];
    for tried in tried {
        let error = tried.unwrap_err();
        let RlsError::Schema(SchemaError::Locked { holders }) = &error else {
            panic!("{error}")
        };
        let expected = format!("pid {pid}, application `web shop`, role `{app}`");
        assert_eq!(holders.as_slice(), [expected]);
        assert!(
            error.to_string().contains("pg_terminate_backend"),
            "{error}"
        );
    }

    let end = format!("SELECT pg_terminate_backend({pid})");
    world.superuser.execute_unprepared(&end).await.unwrap();
    world.rls.sync(&waits).await.unwrap();
}

/// The remedy of RLS030 leaves `pg_locks` to the migrations' login, and not to another one.
#[tokio::test]
async fn lock_is_told_of_to_a_login_that_may_not_see_who_holds_it() {
    const LOCK: &str = "SELECT pg_advisory_lock(x'7365612d726c7321'::bit(64)::int8)";
    const REVOKE: &str = "REVOKE EXECUTE ON FUNCTION pg_lock_status() FROM PUBLIC";

    let world = World::new(Public::Granted).await;
    world.superuser.execute_unprepared(REVOKE).await.unwrap();
    let mut options = ConnectOptions::new(world.database.url());
    options.max_connections(1);
    let holder = Database::connect(options).await.unwrap();
    holder.execute_unprepared(LOCK).await.unwrap();

    let role = world.database.role("plain");
    let mut options = ConnectOptions::new(world.database.url_as(&role, "plain"));
    options.map_sqlx_postgres_opts(|options| options.options([("lock_timeout", "300ms")]));
    let waits = Database::connect(options).await.unwrap();
    let error = world.rls.sync(&waits).await.unwrap_err();
    let RlsError::Schema(SchemaError::Locked { holders }) = &error else {
        panic!("{error}")
    };
    assert!(holders[0].contains("pg_locks"), "{error}");
}

#[tokio::test]
async fn transaction_of_the_caller_keeps_its_own_lock_timeout() {
    let world = World::new(Public::Granted).await;
    for own in ["0", "7s"] {
        let transaction = world.plain.begin().await.unwrap();
        let set = format!("SET LOCAL lock_timeout = '{own}'");
        transaction.execute_unprepared(&set).await.unwrap();
        world.rls.sync(&transaction).await.unwrap();
        assert_eq!(text(&transaction, "SHOW lock_timeout").await, own);
        transaction.rollback().await.unwrap();
    }
}
