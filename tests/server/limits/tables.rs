//! Tables, and what leads to their rows past their policies.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, PaginatorTrait, Set, TransactionTrait,
};
use sea_orm_rls::RlsError;
use uuid::Uuid;

use super::{run, session, with_tasks};
use crate::admin::{carol, recorded};
use crate::fixture::{Fixture, note, task};
use crate::schema::text;

const TITLES: &str = "SELECT string_agg(title, ',' ORDER BY title) FROM ";

impl Fixture {
    /// As a superuser, with the application's role for `APP`.
    async fn define(&self, sql: &str) {
        let app = format!("\"{}\"", self.config.app_role());
        let sql = sql.replace("APP", &app);
        self.owner.execute_unprepared(&sql).await.unwrap();
    }
}

/// limits.md: "tables that no entity registers".
#[tokio::test]
async fn tables_views_partitions_and_children_need_a_grant() {
    let (fixture, ..) = with_tasks(1).await;
    fixture
        .define(
            "CREATE TABLE stray (title text); CREATE VIEW titles AS SELECT title FROM task;
             CREATE MATERIALIZED VIEW kept AS SELECT title FROM task;
             CREATE TABLE child () INHERITS (task);
             CREATE TABLE log (year integer, title text) PARTITION BY LIST (year);
             CREATE TABLE log_2026 PARTITION OF log FOR VALUES IN (2026); GRANT SELECT ON log TO APP",
        )
        .await;

    for relation in ["stray", "titles", "kept", "child", "log_2026"] {
        let select = format!("SELECT title FROM {relation}");
        let refused = fixture.ann().execute_unprepared(&select).await.unwrap_err();
        let refused = RlsError::from(refused);
        assert!(
            matches!(refused, RlsError::MissingGrant { .. }),
            "{relation}: {refused}"
        );
    }
}

/// limits.md: "the existence of a row". `insert_meets_the_unique_key` has the other half.
#[tokio::test]
async fn foreign_key_tells_whether_there_is_a_hidden_row() {
    let (fixture, _, his) = with_tasks(1).await;
    let of = |task| note::ActiveModel {
        task_id: Set(task),
        body: Set("ann's".to_owned()),
        ..Default::default()
    };

    of(his.id).insert(&fixture.ann()).await.unwrap();
    let missing = of(Uuid::new_v4()).insert(&fixture.ann()).await.unwrap_err();
    let missing = RlsError::from(missing);
    assert_eq!(missing.sqlstate().as_deref(), Some("23503"), "{missing}");
}

/// limits.md: "statements of the administrator".
/// limits.md: "an administrator who changes the record".
#[tokio::test]
async fn administrators_and_superusers_see_all_rows_and_the_owner_changes_the_record() {
    let (fixture, superuser) = Fixture::of_plain_owner(1).await;
    for user in [fixture.ann, fixture.bob] {
        let insert = format!(
            "INSERT INTO task (id, title, rank, owner_id) VALUES (gen_random_uuid(), 't', 1, '{user}')"
        );
        superuser.execute_unprepared(&insert).await.unwrap();
    }

    let admin = carol(&fixture, "ticket 1");
    let count = "SELECT count(*)::text FROM task";
    assert_eq!(text(&admin, count).await, "2");
    assert_eq!(text(&superuser, count).await, "2");
    assert_eq!(
        text(&fixture.owner, count).await,
        "0",
        "forced on the owner"
    );

    for (login, actor) in [(&fixture.owner, "one"), (&superuser, "another")] {
        let change = format!("UPDATE rls_audit SET actor = '{actor}'");
        login.execute_unprepared(&change).await.unwrap();
        let actors: Vec<_> = recorded(&fixture).await;
        assert!(actors.iter().all(|row| row.actor == actor), "{actors:?}");
    }
}

/// limits.md: "Policies do not hold for superusers".
#[tokio::test]
async fn policies_do_not_cover_bypassrls_truncate_and_references() {
    let (fixture, _, his) = with_tasks(1).await;
    let other = fixture.database.role("other");
    fixture
        .define(&format!(
            "CREATE ROLE {other} BYPASSRLS; GRANT SELECT ON task TO {other};
             GRANT TRUNCATE ON note TO APP; GRANT REFERENCES ON task TO APP; CREATE SCHEMA probe AUTHORIZATION APP"
        ))
        .await;
    let transaction = fixture.owner.begin().await.unwrap();
    let become_other = format!("SET LOCAL ROLE {other}");
    transaction.execute_unprepared(&become_other).await.unwrap();
    let seen = text(&transaction, &format!("{TITLES} task")).await;
    assert_eq!(seen, "ann's,bob's");
    transaction.rollback().await.unwrap();

    // Ann's session has no row of Bob's, and finds out that there is one.
    let mut ann = session(&fixture).await;
    let refer = "CREATE TABLE probe.probe (id uuid REFERENCES public.task)";
    run(&mut ann, refer).await.unwrap();
    let probe = |id| format!("INSERT INTO probe.probe VALUES ('{id}')");
    run(&mut ann, &probe(his.id)).await.unwrap();
    let (state, _) = run(&mut ann, &probe(Uuid::new_v4())).await.unwrap_err();
    assert_eq!(state, "23503");

    let note = note::ActiveModel {
        task_id: Set(his.id),
        body: Set("bob's".to_owned()),
        ..Default::default()
    };
    note.insert(&fixture.bob()).await.unwrap();
    run(&mut ann, "TRUNCATE note").await.unwrap();
    assert_eq!(note::Entity::find().count(&fixture.bob()).await, Ok(0));
    fixture
        .define(&format!(
            "DROP SCHEMA probe CASCADE; DROP OWNED BY {other}; DROP ROLE {other}"
        ))
        .await;
}

/// limits.md: "A view reads as its owner".
#[tokio::test]
async fn view_reads_as_its_owner_unless_it_is_of_its_invoker() {
    let (fixture, ..) = with_tasks(1).await;
    fixture
        .define(
            "CREATE VIEW owners AS SELECT title FROM task; GRANT SELECT ON owners TO APP;
             CREATE VIEW invokers WITH (security_invoker) AS SELECT title FROM task;
             GRANT SELECT ON invokers TO APP",
        )
        .await;

    let seen = async |view| text(&fixture.ann(), &format!("{TITLES} {view}")).await;
    assert_eq!(seen("owners").await, "ann's,bob's");
    assert_eq!(seen("invokers").await, "ann's");
}

/// limits.md: "A function with [`SECURITY DEFINER`]".
#[tokio::test]
async fn security_definer_function_runs_as_its_owner() {
    let (fixture, ..) = with_tasks(1).await;
    let body = format!("RETURNS text LANGUAGE sql AS $$ {TITLES} public.task $$");
    fixture
        .define(&format!(
            "CREATE FUNCTION owners() {body}; ALTER FUNCTION owners() SECURITY DEFINER;
             CREATE FUNCTION callers() {body}"
        ))
        .await;

    assert_eq!(text(&fixture.ann(), "SELECT owners()").await, "ann's,bob's");
    assert_eq!(text(&fixture.ann(), "SELECT callers()").await, "ann's");
}

/// limits.md: "A partition or child table".
#[tokio::test]
async fn child_named_directly_has_not_the_policies_of_its_parent() {
    let (fixture, ..) = with_tasks(1).await;
    fixture
        .define(&format!(
            "CREATE TABLE child () INHERITS (task); GRANT SELECT ON child TO APP;
             INSERT INTO child (id, title, rank, owner_id) VALUES (gen_random_uuid(), 'bob''s child', 1, '{}')",
            fixture.bob
        ))
        .await;

    let seen = async |table| text(&fixture.ann(), &format!("{TITLES} {table}")).await;
    assert_eq!(seen("child").await, "bob's child");
    assert_eq!(seen("task").await, "ann's");
    assert_eq!(task::Entity::find().count(&fixture.bob()).await, Ok(2));
}
