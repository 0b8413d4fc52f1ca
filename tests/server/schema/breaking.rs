//! What a plan says to break: each such change fails a statement that worked before, and no other
//! change does.

use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use sea_orm_migration::{MigrationTrait, MigratorTrait, MigratorTraitSelf};
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::migration::RlsMigrator;
use sea_orm_rls::schema::Plan;
use sea_orm_rls::signing::SignedContexts;
use sea_orm_rls::{Registry, RlsConfig, RlsError, RlsSchema, registry};

use super::{database, text};
use crate::fixture::{Fixture, config, entities, note, user};

/// An entity of the table `task` as another version declares it.
macro_rules! task {
    ($module:ident, [$($derive:ident),+], $(#[$scope:meta])+) => {
        #[allow(dead_code, reason = "SeaORM generates more than a test uses")]
        mod $module {
            #[allow(unused_imports, reason = "not each entity has policies")]
            use rls_core::{Command, Expression, Policy, PolicyDraft};
            use sea_orm::entity::prelude::*;
            use sea_orm_rls::{$($derive),+};

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, $($derive),+)]
            #[sea_orm(table_name = "task")]
            $(#[$scope])+
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: Uuid,
                pub owner_id: Uuid,
                pub title: String,
                pub rank: i32,
            }

            impl ActiveModelBehavior for ActiveModel {}

            fn open() -> [PolicyDraft; 1] {
                let ranked = Expression::raw_sql("rank > 0");
                [Policy::permissive("open").on([Command::Select]).using(ranked)]
            }
        }
    };
}

task!(open, [UserScoped], #[user_scoped(user = crate::fixture::user::Entity, policies = open)]);
task!(titled, [UserScoped], #[user_scoped(user = crate::fixture::user::Entity, grant(select, insert, update(title), delete))]);
task!(ranked, [UserScoped], #[user_scoped(user = crate::fixture::user::Entity, grant(select, insert, update(title, rank), delete))]);
task!(strict, [UserScoped], #[user_scoped(user = crate::fixture::user::Entity, on_delete = "restrict")]);

macro_rules! with {
    ($module:ident) => {
        registry![user::Entity, $module::Entity, note::Entity].unwrap()
    };
}

/// Who sends the statement of the version that runs.
#[derive(Clone, Copy, Debug)]
enum As {
    Admin,
    App,
    Ann,
    Bob,
    Owner,
}

use As::{Admin, Ann, App, Bob, Owner};

struct World {
    fixture: Fixture,
    superuser: DatabaseConnection,
}

impl World {
    async fn new() -> Self {
        let (fixture, superuser) = Fixture::of_plain_owner(1).await;
        let world = Self { fixture, superuser };
        let ann = world.fixture.ann;
        world
            .run(&format!(
                "INSERT INTO task (id, owner_id, title, rank)
                 VALUES (gen_random_uuid(), '{ann}', 't', 1), (gen_random_uuid(), '{ann}', 'u', 2)"
            ))
            .await;
        world
    }

    /// The statement with the names of this database.
    fn named(&self, sql: &str) -> String {
        let config = &self.fixture.config;
        sql.replace("$app", config.app_role().as_str())
            .replace("$ann", &self.fixture.ann.to_string())
    }

    async fn run(&self, sql: &str) {
        let sql = self.named(sql);
        self.superuser.execute_unprepared(&sql).await.unwrap();
    }

    /// Whether the server runs the statement for that role, with that context.
    async fn works(&self, who: As, sql: &str) -> bool {
        let Fixture {
            config,
            database,
            ann,
            bob,
            ..
        } = &self.fixture;
        let (role, user) = match who {
            Admin => (config.admin_role().to_string(), String::new()),
            App => (config.app_role().to_string(), String::new()),
            Ann => (config.app_role().to_string(), ann.to_string()),
            Bob => (config.app_role().to_string(), bob.to_string()),
            Owner => (database.role("plain"), String::new()),
        };

        let transaction = self.superuser.begin().await.unwrap();
        let become_role =
            format!("SET LOCAL ROLE \"{role}\"; SET LOCAL \"app.user_id\" = '{user}'");
        transaction.execute_unprepared(&become_role).await.unwrap();
        let ran = transaction.execute_unprepared(&self.named(sql)).await;
        transaction.rollback().await.unwrap();
        ran.is_ok()
    }

    /// Brings the database from what `was` declares, changed by hand, to what `is` declares. Returns
    /// the plan, and whether the statement worked before and works afterwards.
    async fn change(
        &self,
        (was, by_hand): (Registry, &str),
        is: Registry,
        (who, sql): (As, &str),
    ) -> (Plan, [bool; 2]) {
        let config = || self.fixture.config.clone();
        let owner = &self.fixture.owner;
        accepting(was, config()).sync(owner).await.unwrap();
        self.run(by_hand).await;

        let before = self.works(who, sql).await;
        let schema = accepting(is, config());
        let plan = schema.plan(owner).await.unwrap();
        let refused = schema.clone().refuse_breaking(true).sync(owner).await;
        let is_refused = matches!(
            &refused,
            Err(RlsError::Schema(SchemaError::Breaks { changes })) if changes.len() == plan.breaking().count()
        );
        assert_eq!(
            is_refused,
            plan.breaking().count() > 0,
            "{sql}: {refused:?}"
        );

        if is_refused {
            let made = schema.sync(owner).await.unwrap();
            let of = |plan: &Plan| {
                let breaking = plan.breaking().map(|(change, it)| (change.sql(), it));
                breaking.collect::<Vec<_>>()
            };
            assert_eq!(of(&made), of(&plan), "{sql}");
        }

        (plan, [before, self.works(who, sql).await])
    }
}

fn accepting(registry: Registry, config: RlsConfig) -> RlsSchema {
    RlsSchema::new(registry, config).danger_accept_weakening(true)
}

const INSERT: &str =
    "INSERT INTO task (id, title, rank, owner_id) VALUES (gen_random_uuid(), 't', 1, ";

#[expect(clippy::too_many_lines, reason = "a list of cases")]
#[tokio::test]
async fn change_that_is_said_to_break_fails_a_statement_that_worked() {
    let world = World::new().await;
    let insert = |owner: &str| format!("{INSERT}{owner})");
    let without = INSERT.replace(", owner_id", "").replace("1, ", "1)");
    let count = "DO $$ BEGIN PERFORM 1 / count(*) FROM public.task WHERE title = 't'; END $$";
    let cases: [(Registry, &str, Registry, As, String, &str); 13] = [
        (
            entities(),
            "ALTER TABLE task ALTER owner_id DROP NOT NULL",
            entities(),
            Admin,
            insert("NULL"),
            "SET NOT NULL",
        ),
        (
            entities(),
            "ALTER TABLE task ALTER owner_id SET DEFAULT '$ann'",
            entities(),
            Admin,
            without,
            "SET DEFAULT",
        ),
        (
            entities(),
            "ALTER TABLE task DROP CONSTRAINT \"fk-task-owner_id\"",
            entities(),
            Admin,
            insert("gen_random_uuid()"),
            "ADD CONSTRAINT",
        ),
        (
            entities(),
            "",
            with!(strict),
            Admin,
            "DELETE FROM \"user\" WHERE id = '$ann'".to_owned(),
            "CONSTRAINT",
        ),
        (
            entities(),
            "ALTER TABLE task DISABLE ROW LEVEL SECURITY",
            entities(),
            App,
            insert("'$ann'"),
            "ENABLE ROW",
        ),
        (
            entities(),
            "ALTER TABLE task NO FORCE ROW LEVEL SECURITY",
            entities(),
            Owner,
            insert("'$ann'"),
            "FORCE ROW",
        ),
        (
            entities(),
            "DROP POLICY task_guard ON task; CREATE POLICY hand ON task USING (true)",
            entities(),
            Bob,
            insert("'$ann'"),
            "CREATE POLICY",
        ),
        (
            with!(open),
            "DROP POLICY IF EXISTS hand ON task",
            entities(),
            Bob,
            count.to_owned(),
            "POLICY",
        ),
        (
            entities(),
            "GRANT TRUNCATE ON note TO \"$app\"",
            entities(),
            App,
            "TRUNCATE note".to_owned(),
            "REVOKE TRUNCATE",
        ),
        (
            entities(),
            "GRANT REFERENCES (id) ON note TO \"$app\"; GRANT CREATE ON SCHEMA public TO \"$app\"",
            entities(),
            App,
            "CREATE TABLE mine (id integer REFERENCES note (id))".to_owned(),
            "REVOKE REFERENCES",
        ),
        (
            entities(),
            "",
            with!(titled),
            Ann,
            "UPDATE task SET rank = 2".to_owned(),
            "REVOKE UPDATE",
        ),
        (
            with!(ranked),
            "",
            with!(titled),
            Ann,
            "UPDATE task SET rank = 2".to_owned(),
            "REVOKE UPDATE",
        ),
        (
            entities(),
            "GRANT EXECUTE ON FUNCTION rls_context_record(text) TO \"$app\"",
            entities(),
            App,
            "SELECT 1 / has_function_privilege('rls_context_record(text)', 'EXECUTE')::int"
                .to_owned(),
            "ON FUNCTION",
        ),
    ];

    for (was, by_hand, is, who, sql, said) in cases {
        let (plan, works) = world.change((was, by_hand), is, (who, &sql)).await;
        let breaking: Vec<String> = plan
            .breaking()
            .map(|(change, _)| change.sql().join("; "))
            .collect();
        assert!(
            breaking.iter().any(|change| change.contains(said)),
            "{by_hand:?} {said}: {breaking:?}\n{plan}"
        );
        assert_eq!(works, [true, false], "{by_hand:?} {sql}: {plan}");
    }
}

#[tokio::test]
async fn change_that_is_not_said_to_break_fails_nothing() {
    let world = World::new().await;
    let own = "UPDATE task SET title = title";
    let cases: [(Registry, &str, Registry, As, &str); 9] = [
        (
            entities(),
            "ALTER TABLE task ALTER owner_id DROP DEFAULT",
            entities(),
            Ann,
            own,
        ),
        (
            entities(),
            "DROP INDEX task_owner_id_idx",
            entities(),
            Ann,
            own,
        ),
        (
            entities(),
            "ALTER POLICY task_owner_select ON task USING (true)",
            entities(),
            Ann,
            own,
        ),
        (
            entities(),
            "REVOKE UPDATE ON task FROM \"$app\"",
            entities(),
            Ann,
            "SELECT FROM task",
        ),
        (
            entities(),
            "COMMENT ON POLICY task_guard ON task IS 'mine'",
            entities(),
            Ann,
            own,
        ),
        (entities(), "", with!(open), Ann, own),
        (with!(titled), "", with!(ranked), Ann, own),
        (with!(titled), "", entities(), Ann, own),
        (
            entities(),
            "GRANT UPDATE (title) ON task TO \"$app\"",
            entities(),
            Ann,
            own,
        ),
    ];

    for (was, by_hand, is, who, sql) in cases {
        let (plan, works) = world.change((was, by_hand), is, (who, sql)).await;
        assert_eq!(
            plan.breaking().count(),
            0,
            "{by_hand:?}: {}",
            plan.text(false)
        );
        assert_eq!(works, [true, true], "{by_hand:?} {sql}: {plan}");
    }
}

#[tokio::test]
async fn contexts_that_must_be_signed_break_programs_that_do_not_sign() {
    let world = World::new().await;
    let owner = &world.fixture.owner;
    let level = |level| {
        let config = world.fixture.config.clone().signed_contexts(level);
        accepting(entities(), config)
    };
    let reads = "DO $$ BEGIN PERFORM 1 / count(*) FROM public.task; END $$";

    level(SignedContexts::Sent).sync(owner).await.unwrap();
    let key = "testkey0:dGhpcyBzZWNyZXQgc3RhbmRzIGluIG5vIG91dHB1dCE=";
    let sent = level(SignedContexts::Sent);
    sent.add_key(owner, &key.parse().unwrap()).await.unwrap();
    assert!(world.works(Ann, reads).await);

    let required = level(SignedContexts::Required);
    let plan = required.plan(owner).await.unwrap();
    let says = plan
        .breaking()
        .filter(|(_, breaking)| breaking.fails.contains("does not sign"));
    assert!(says.count() > 0, "{}", plan.text(false));
    required.sync(owner).await.unwrap();
    assert!(!world.works(Ann, reads).await);
}

const TABLES: &str = r#"CREATE TABLE "user" (id uuid PRIMARY KEY, email text NOT NULL);
    CREATE TABLE task (id uuid PRIMARY KEY, title text NOT NULL, rank integer NOT NULL);
    CREATE TABLE note (id serial PRIMARY KEY, task_id uuid NOT NULL REFERENCES task, body text NOT NULL);"#;

#[tokio::test]
async fn tables_that_nobody_uses_yet_break_nobody() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();
    let config = config(&database);
    let rls = RlsSchema::new(entities(), config.clone());
    let plan = rls.plan(&owner).await.unwrap();
    assert!(plan.changes().len() > 10);
    assert_eq!(plan.breaking().count(), 0, "{}", plan.text(false));

    // Of a table with rows, somebody's statements are refused.
    owner
        .execute_unprepared("INSERT INTO \"user\" VALUES (gen_random_uuid(), 'a')")
        .await
        .unwrap();
    let plan = rls.plan(&owner).await.unwrap();
    let tables: Vec<String> = plan
        .breaking()
        .filter_map(|(change, _)| change.table().map(ToString::to_string))
        .collect();
    assert!(
        !tables.is_empty() && tables.iter().all(|table| table == "public.user"),
        "{tables:?}"
    );

    let said = plan.text(false).to_string();
    assert!(
        said.contains("breaks: each statement without a context") && said.contains("first: deploy"),
        "{said}"
    );
    let json: serde_json::Value = serde_json::from_str(&plan.json()).unwrap();
    let breaks = json["changes"].as_array().unwrap().iter();
    assert_eq!(
        breaks
            .filter(|change| change["breaks"]["fails"].is_string())
            .count(),
        plan.breaking().count()
    );

    // `up` makes them unless the configuration refuses, and online steps ask before the first.
    let online = rls
        .clone()
        .refuse_breaking(true)
        .prepare_online(&owner)
        .await;
    assert!(
        matches!(&online, Err(RlsError::Schema(SchemaError::Breaks { .. }))),
        "{online:?}"
    );
    assert_eq!(
        text(&owner, "SELECT count(*)::text FROM pg_policies").await,
        "0"
    );

    let refusing = config.clone().refuse_breaking(true);
    let error = up(&owner, refusing).await.unwrap_err();
    assert!(error.contains("--accept-breaking"), "{error}");
    up(&owner, config).await.unwrap();
}

/// `up` of a migrator without migrations of its own.
async fn up(owner: &DatabaseConnection, config: RlsConfig) -> Result<(), String> {
    struct Nothing;

    impl MigratorTrait for Nothing {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            Vec::new()
        }
    }

    let migrator = RlsMigrator::with(Nothing, entities(), config);
    let migrated = migrator.up(owner, None).await;
    migrated.map_err(|error| error.to_string())
}
