//! Convergence: idempotent, all or nothing, and the same from every starting point.

use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::schema::{Change, MissingTables, PolicyChange, TableChange};
use sea_orm_rls::{RlsError, RlsSchema, registry};

use super::{database, text, texts};
use crate::fixture::{Fixture, config, entities, note, task, user};

const TABLES: &str = r#"CREATE TABLE "user" (id uuid PRIMARY KEY, email text NOT NULL);
    CREATE TABLE task (id uuid PRIMARY KEY, title text NOT NULL, rank integer NOT NULL);
    CREATE TABLE note (id serial PRIMARY KEY, task_id uuid NOT NULL REFERENCES task, body text NOT NULL);"#;

mod filled {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(
        backfill = r#"SELECT id FROM public."user" ORDER BY email LIMIT 1 -- the first"#,
        on_delete = "restrict"
    )]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test]
async fn second_run_changes_nothing() {
    let fixture = Fixture::new(1).await;
    let rls = RlsSchema::new(entities(), fixture.config.clone());
    assert_eq!(rls.plan(&fixture.owner).await.unwrap().to_string(), "");

    let before = text(
        &fixture.owner,
        "SELECT array_agg(xmin::text ORDER BY oid)::text FROM pg_class",
    )
    .await;

    assert!(rls.sync(&fixture.owner).await.unwrap().is_empty());

    let after = text(
        &fixture.owner,
        "SELECT array_agg(xmin::text ORDER BY oid)::text FROM pg_class",
    )
    .await;

    assert_eq!(before, after, "no row of pg_class was written");
}

#[tokio::test]
async fn empty_plan_takes_no_strong_lock() {
    let fixture = Fixture::new(1).await;
    let reader = fixture.owner.begin().await.unwrap();
    reader
        .execute_unprepared("LOCK TABLE task IN SHARE UPDATE EXCLUSIVE MODE; SELECT * FROM task")
        .await
        .unwrap();

    let rls = RlsSchema::new(entities(), fixture.config.clone());
    assert!(
        rls.sync(&fixture.owner).await.unwrap().is_empty(),
        "a lock that stops all DDL does not stop it"
    );
    reader.rollback().await.unwrap();
}

#[tokio::test]
async fn drift_is_mended() {
    let fixture = Fixture::new(1).await;
    let rls = RlsSchema::new(entities(), fixture.config.clone());
    let app = fixture.config.app_role();
    let admin = fixture.config.admin_role();

    for (drift, expected) in [
        ("ALTER TABLE task NO FORCE ROW LEVEL SECURITY", 1),
        ("ALTER TABLE task DISABLE ROW LEVEL SECURITY", 1),
        ("DROP POLICY task_guard ON task", 1),
        ("ALTER POLICY task_owner_select ON task USING (true)", 1),
        ("ALTER POLICY task_guard ON task TO PUBLIC", 1),
        (
            "DROP POLICY task_guard ON task; CREATE POLICY task_guard ON task USING (true)",
            2,
        ),
        ("ALTER TABLE task ALTER COLUMN owner_id DROP NOT NULL", 1),
        ("ALTER TABLE task ALTER COLUMN owner_id DROP DEFAULT", 1),
        (
            "ALTER TABLE task ALTER COLUMN owner_id SET DEFAULT \
             '00000000-0000-0000-0000-000000000000'",
            1,
        ),
        // The server reads both tables, which are not forced meanwhile.
        ("ALTER TABLE task DROP CONSTRAINT \"fk-task-owner_id\"", 5),
        ("DROP INDEX task_owner_id_idx", 1),
        (
            "DROP INDEX task_owner_id_idx; CREATE INDEX ON task (title, owner_id)",
            1,
        ),
        (
            "DROP INDEX IF EXISTS task_owner_id_idx; CREATE INDEX ON task (owner_id, rank)",
            0,
        ),
        ("GRANT TRUNCATE, TRIGGER ON task TO APP", 1),
        ("REVOKE UPDATE ON task FROM APP", 1),
        ("REVOKE USAGE ON SEQUENCE note_id_seq FROM APP", 1),
        ("REVOKE USAGE ON SCHEMA public FROM PUBLIC", 2),
        ("ALTER ROLE APP BYPASSRLS CREATEROLE", 1),
        ("ALTER ROLE APP PASSWORD 'other'", 1),
        ("GRANT ADMIN TO APP", 1),
    ] {
        let drift = drift
            .replace("APP", &format!("\"{app}\""))
            .replace("ADMIN", &format!("\"{admin}\""));
        fixture.owner.execute_unprepared(&drift).await.unwrap();

        let plan = rls.sync(&fixture.owner).await.unwrap();
        assert_eq!(plan.changes().len(), expected, "{drift}: {plan}");

        assert!(
            rls.plan(&fixture.owner).await.unwrap().is_empty(),
            "{drift}"
        );
    }
}

#[tokio::test]
async fn plan_prints_sql_and_no_secret() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();

    let config = config(&database);
    let plan = RlsSchema::new(entities(), config.clone())
        .plan(&owner)
        .await
        .unwrap();

    let printed = plan.to_string();
    assert!(
        printed.contains("PASSWORD '***'")
            && !printed.contains("SCRAM")
            && !printed.contains("password'"),
        "{printed}"
    );
    assert!(!format!("{plan:?}").contains("SCRAM"));

    let grant = printed.find("GRANT SELECT").unwrap();
    let policy = printed.rfind("CREATE POLICY").unwrap();
    assert!(
        policy < grant,
        "the application reaches a table only after its policies stand: {printed}"
    );
    assert_eq!(
        plan.changes()
            .iter()
            .filter(|change| matches!(
                change,
                Change::Table(_, TableChange::Policy(PolicyChange::Create { .. }))
            ))
            .count(),
        18
    );

    assert_eq!(
        text(&owner, "SELECT count(*)::text FROM pg_policies").await,
        "0",
        "a plan changes nothing"
    );
}

#[tokio::test]
async fn rows_without_owner_stop_everything_unless_backfilled() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();
    owner
        .execute_unprepared(
            r#"INSERT INTO "user" VALUES (gen_random_uuid(), 'b'), (gen_random_uuid(), 'a');
               INSERT INTO task VALUES (gen_random_uuid(), 't', 1), (gen_random_uuid(), 'u', 2)"#,
        )
        .await
        .unwrap();

    let config = config(&database);
    let error = RlsSchema::new(entities(), config.clone())
        .sync(&owner)
        .await
        .unwrap_err();

    let RlsError::Schema(SchemaError::RowsWithoutOwner { table, column }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (table.as_str(), column.as_str()),
        ("public.task", "owner_id")
    );
    assert!(error.to_string().contains("backfill"), "{error}");

    let untouched = "SELECT (count(*) FILTER (WHERE attname = 'owner_id'))::text FROM pg_attribute";
    assert_eq!(
        text(&owner, untouched).await,
        "0",
        "nothing is half-applied"
    );

    let roles = format!(
        "SELECT count(*)::text FROM pg_roles WHERE rolname = '{}'",
        config.app_role()
    );

    assert_eq!(text(&owner, &roles).await, "0");

    let rls = RlsSchema::new(
        registry![user::Entity, filled::Entity].unwrap(),
        config.clone(),
    );

    rls.sync(&owner).await.unwrap();

    let owners = r#"SELECT u.email FROM task t JOIN "user" u ON u.id = t.owner_id"#;
    assert_eq!(texts(&owner, owners).await, ["a", "a"]);

    let key =
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'task_owner_id_fkey'";
    assert!(text(&owner, key).await.ends_with("ON DELETE RESTRICT"));
    assert!(rls.plan(&owner).await.unwrap().is_empty());

    owner
        .execute_unprepared(
            "ALTER TABLE task ALTER owner_id DROP NOT NULL; UPDATE task SET owner_id = NULL",
        )
        .await
        .unwrap();

    let nulls = RlsSchema::new(
        registry![user::Entity, task::Entity].unwrap(),
        config.clone(),
    )
    .sync(&owner)
    .await;

    assert!(
        matches!(
            nulls,
            Err(RlsError::Schema(SchemaError::RowsWithoutOwner { .. }))
        ),
        "{nulls:?}"
    );
    rls.sync(&owner).await.unwrap();
    assert_eq!(texts(&owner, owners).await, ["a", "a"]);
}

#[tokio::test]
async fn missing_tables_are_an_error_or_passed_over_as_told() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();
    owner.execute_unprepared("DROP TABLE note").await.unwrap();

    let rls = RlsSchema::new(entities(), config(&database));
    let error = rls.sync(&owner).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::MissingTable { table }) if table == "public.note"),
        "{error}"
    );
    rls.clone()
        .missing_tables(MissingTables::Skip)
        .sync(&owner)
        .await
        .unwrap();
    assert_eq!(
        text(&owner, "SELECT count(*)::text FROM pg_policies").await,
        "12"
    );
    owner
        .execute_unprepared("CREATE VIEW note AS SELECT 1 AS id")
        .await
        .unwrap();

    let error = rls.sync(&owner).await.unwrap_err();

    assert!(
        matches!(error, RlsError::Schema(SchemaError::NotATable { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn two_deployments_at_once_do_not_clash() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();
    let rls = RlsSchema::new(entities(), config(&database));
    let (one, two, three) = tokio::join!(rls.sync(&owner), rls.sync(&owner), rls.sync(&owner));
    let changed = [one, two, three].map(|plan| usize::from(!plan.unwrap().is_empty()));

    assert_eq!(changed.iter().sum::<usize>(), 1);
}

#[tokio::test]
async fn two_databases_of_one_cluster_can_create_the_roles_at_once() {
    let (one, two) = tokio::join!(database(), database());
    let shared = config(&one.0);
    for (_, owner) in [&one, &two] {
        owner.execute_unprepared(TABLES).await.unwrap();
    }

    let rls = RlsSchema::new(entities(), shared);
    let (first, second) = tokio::join!(rls.sync(&one.1), rls.sync(&two.1));
    first.unwrap();
    second.unwrap();
    assert!(rls.plan(&one.1).await.unwrap().is_empty());
    assert!(rls.plan(&two.1).await.unwrap().is_empty());
}

#[tokio::test]
async fn sync_works_inside_a_transaction_and_leaves_its_settings() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();

    let transaction = owner.begin().await.unwrap();
    let settings =
        "SELECT concat_ws('|', current_setting('search_path'), current_setting('row_security'),
                                     current_setting('lock_timeout'))";
    let before = text(&transaction, settings).await;

    RlsSchema::new(entities(), config(&database))
        .sync(&transaction)
        .await
        .unwrap();
    assert_eq!(text(&transaction, settings).await, before);
    transaction.rollback().await.unwrap();

    assert_eq!(
        text(&owner, "SELECT count(*)::text FROM pg_policies").await,
        "0"
    );
}

#[tokio::test]
async fn switches_switch_row_security() {
    let fixture = Fixture::new(1).await;
    let flags = "SELECT DISTINCT concat_ws(' ', relrowsecurity, relforcerowsecurity) FROM pg_class
                 WHERE relname IN ('user', 'task', 'note')";
    let off = fixture
        .config
        .clone()
        .danger_enabled(false)
        .danger_force(false);

    // FAULTS A4: the switches weakened all tables without consent.
    for off in [
        off.clone(),
        fixture.config.clone().danger_enabled(false),
        fixture.config.clone().danger_force(false),
    ] {
        let refused = RlsSchema::new(entities(), off).sync(&fixture.owner).await;
        assert!(
            matches!(&refused, Err(RlsError::Schema(SchemaError::Weakens { changes })) if changes.len() >= 3),
            "{refused:?}"
        );
        assert_eq!(texts(&fixture.owner, flags).await, ["t t"]);
    }

    RlsSchema::new(entities(), off.danger_accept_weakening(true))
        .sync(&fixture.owner)
        .await
        .unwrap();
    assert_eq!(texts(&fixture.owner, flags).await, ["f f"]);
    RlsSchema::new(entities(), fixture.config.clone())
        .sync(&fixture.owner)
        .await
        .unwrap();
    assert_eq!(texts(&fixture.owner, flags).await, ["t t"]);
}

#[tokio::test]
async fn existing_foreign_key_is_kept_unless_told() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();
    owner
        .execute_unprepared(r#"ALTER TABLE task ADD COLUMN owner_id uuid NOT NULL CONSTRAINT mine REFERENCES "user" ON DELETE NO ACTION"#)
        .await
        .unwrap();

    let keys = "SELECT conname::text || ' ' || confdeltype::text FROM pg_constraint
                WHERE conrelid = 'task'::regclass AND contype = 'f'";
    let entities = registry![user::Entity, task::Entity, note::Entity].unwrap();
    RlsSchema::new(entities, config(&database))
        .sync(&owner)
        .await
        .unwrap();
    assert_eq!(
        texts(&owner, keys).await,
        ["mine a"],
        "the entity says nothing of the action"
    );
    RlsSchema::new(
        registry![user::Entity, filled::Entity].unwrap(),
        config(&database),
    )
    .sync(&owner)
    .await
    .unwrap();

    assert_eq!(
        texts(&owner, keys).await,
        ["mine r"],
        "the entity says `restrict`"
    );
}

/// FAULTS M4: an existing key was replaced by one that cascades, without a word.
#[tokio::test]
async fn existing_foreign_key_keeps_what_is_said_of_it() {
    const SAID: [&str; 5] = [
        "ON DELETE SET NULL",
        "ON DELETE SET DEFAULT",
        "ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED",
        "ON UPDATE RESTRICT ON DELETE RESTRICT DEFERRABLE",
        "MATCH FULL ON DELETE CASCADE",
    ];
    let keys = "SELECT conname::text || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
                WHERE conrelid = 'task'::regclass AND contype = 'f'";

    for said in SAID {
        let (database, owner) = database().await;
        owner.execute_unprepared(TABLES).await.unwrap();
        let add = format!(
            "ALTER TABLE task ADD COLUMN owner_id uuid NOT NULL CONSTRAINT task_owner_id_fkey \
             REFERENCES \"user\" {said}"
        );
        owner.execute_unprepared(&add).await.unwrap();
        let key = |said| {
            format!("task_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES \"user\"(id) {said}")
        };

        let entities = registry![user::Entity, task::Entity].unwrap();
        let rls = RlsSchema::new(entities, config(&database));
        rls.prepare_online(&owner).await.unwrap();
        rls.sync(&owner).await.unwrap();
        assert_eq!(texts(&owner, keys).await, [key(said)]);

        // The entity names an action: all else stays.
        let entities = registry![user::Entity, filled::Entity].unwrap();
        let rls = RlsSchema::new(entities, config(&database));
        rls.prepare_online(&owner).await.unwrap();
        let plan = rls.sync(&owner).await.unwrap();
        let restricts = ["SET NULL", "SET DEFAULT", "CASCADE", "RESTRICT"]
            .iter()
            .fold(said.to_owned(), |said, action| {
                said.replace(&format!("DELETE {action}"), "DELETE RESTRICT")
            });
        assert_eq!(texts(&owner, keys).await, [key(&restricts)]);
        assert!(rls.plan(&owner).await.unwrap().is_empty());

        let back = plan.reverse();
        sea_orm_rls::schema::apply_changes(&owner, back.changes())
            .await
            .unwrap();
        assert_eq!(texts(&owner, keys).await, [key(said)]);
    }
}
