//! Code that no text shows: it can act as another user until the next statement.

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Set};
use sea_orm_rls::{RlsConnection, RlsError, RlsSchema};
use uuid::Uuid;

use super::{run, session, with_tasks};
use crate::fixture::{Fixture, entities, task};
use crate::schema::{text, texts};

/// limits.md: "SQL injection into a prepared statement".
#[tokio::test]
async fn condition_without_columns_may_stand_before_the_policy() {
    let (fixture, ..) = with_tasks(1).await;
    let app = fixture.config.app_role();
    let scan = format!(
        "ALTER ROLE \"{app}\" SET enable_indexscan = off; ALTER ROLE \"{app}\" SET enable_bitmapscan = off"
    );
    fixture.owner.execute_unprepared(&scan).await.unwrap();

    let ann = fixture.connect_again().await.scope(fixture.ann_context());
    let explain = "EXPLAIN (COSTS OFF) SELECT * FROM task WHERE random() IS NOT NULL";
    let plan = texts(&ann, explain).await;
    let filter = plan.iter().find(|line| line.contains("Filter:")).unwrap();
    let at = |part: &str| filter.find(part).unwrap();
    assert!(at("random()") < at("owner_id"), "{filter}");
}

/// limits.md: "SQL injection into a prepared statement". A temporary table needs no other user's token.
#[tokio::test]
async fn table_left_on_the_connection_takes_the_rows_of_the_next_user() {
    let fixture = Fixture::signed(1).await;
    let function = "CREATE FUNCTION shadow() RETURNS void LANGUAGE plpgsql AS
                    $$ BEGIN CREATE TEMPORARY TABLE task (LIKE public.task INCLUDING DEFAULTS); END $$";
    fixture.owner.execute_unprepared(function).await.unwrap();

    text(&fixture.ann(), "SELECT shadow()::text").await;
    let his = task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set("bob's".to_owned()),
        rank: Set(1),
        ..Default::default()
    };
    his.insert(&fixture.bob()).await.unwrap();
    assert_eq!(
        text(&fixture.ann(), "SELECT title FROM task").await,
        "bob's"
    );
}

/// limits.md: "a function of yours that calls `set_config`".
#[tokio::test]
async fn migrations_need_set_config() {
    let (fixture, superuser) = Fixture::of_plain_owner(1).await;
    let schema = RlsSchema::new(entities(), fixture.config.clone());
    let set_config = "EXECUTE ON FUNCTION set_config(text, text, boolean)";
    let revoke = format!("REVOKE {set_config} FROM PUBLIC");
    superuser.execute_unprepared(&revoke).await.unwrap();
    let refused = schema.sync(&fixture.owner).await.unwrap_err();
    assert_eq!(refused.sqlstate().as_deref(), Some("42501"), "{refused}");

    let plain = text(&fixture.owner, "SELECT current_user::text").await;
    let grant = format!("GRANT {set_config} TO \"{plain}\"");
    superuser.execute_unprepared(&grant).await.unwrap();
    schema.sync(&fixture.owner).await.unwrap();
    superuser
        .execute_unprepared(&format!("REVOKE {set_config} FROM \"{plain}\""))
        .await
        .unwrap();
}

/// limits.md: "a function of yours that calls `set_config`".
#[tokio::test]
async fn function_that_runs_set_local_needs_no_set_config() {
    let (fixture, ..) = with_tasks(1).await;
    let function = "REVOKE EXECUTE ON FUNCTION set_config(text, text, boolean) FROM PUBLIC;
                    CREATE FUNCTION titles_of(id text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
                      EXECUTE format('SET LOCAL app.user_id = %L', id);
                      RETURN (SELECT string_agg(title, ',') FROM task); END $$";
    fixture.owner.execute_unprepared(function).await.unwrap();

    let ann = fixture.connect_again().await.scope(fixture.ann_context());
    let of_bob = format!("SELECT titles_of('{}')", fixture.bob);
    assert_eq!(text(&ann, &of_bob).await, "bob's");
    assert_eq!(text(&ann, "SELECT title FROM task").await, "ann's");
}

/// limits.md: "`DO` blocks as the application's role".
#[tokio::test]
async fn block_in_another_program_is_stopped_by_revoking_its_language() {
    let (fixture, ..) = with_tasks(1).await;
    let function = "CREATE FUNCTION seen() RETURNS text LANGUAGE plpgsql AS
                    $$ BEGIN RETURN (SELECT string_agg(title, ',') FROM task); END $$";
    fixture.owner.execute_unprepared(function).await.unwrap();

    let block = format!(
        "DO $$ DECLARE seen text; BEGIN
           EXECUTE 'SE' || 'T LOCAL app.user_id = ''{}''';
           SELECT title INTO seen FROM task; RAISE '%', seen; END $$",
        fixture.bob
    );
    let mut program = session(&fixture).await;
    let (_, message) = run(&mut program, &block).await.unwrap_err();
    assert_eq!(message, "bob's");

    let revoke = "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC";
    fixture.owner.execute_unprepared(revoke).await.unwrap();
    let (state, message) = run(&mut program, &block).await.unwrap_err();
    assert_eq!(state, "42501", "{message}");

    assert_eq!(text(&fixture.ann(), "SELECT seen()").await, "ann's");
}

/// limits.md: "hostile text in `execute_unprepared`".
#[tokio::test]
async fn block_that_restores_the_context_goes_unnoticed() {
    let (fixture, _, his) = with_tasks(1).await;
    let allowing = fixture.config.clone().danger_allow_do(true);
    let db = RlsConnection::connect_with(fixture.database.url(), allowing, entities())
        .await
        .unwrap();

    let block = format!(
        "DO $$ BEGIN SET LOCAL app.user_id = '{}'; UPDATE task SET title = 'taken';
         SET LOCAL app.user_id = '{}'; END $$",
        fixture.bob, fixture.ann
    );
    let ann = db.scope(fixture.ann_context());
    ann.execute_unprepared(&block).await.unwrap();

    let now = task::Entity::find_by_id(his.id).one(&fixture.bob()).await;
    assert_eq!(now.unwrap().unwrap().title, "taken");
}

/// limits.md: "temporary tables and functions".
#[tokio::test]
async fn function_that_leaves_a_temporary_table_goes_unnoticed_until_that_is_revoked() {
    let (fixture, ..) = with_tasks(1).await;
    let function = "CREATE FUNCTION leave() RETURNS void LANGUAGE plpgsql AS
                    $$ BEGIN CREATE TEMPORARY TABLE left_behind AS SELECT title FROM task; END $$";
    fixture.owner.execute_unprepared(function).await.unwrap();

    let leave = "SELECT leave()::text";
    text(&fixture.ann(), leave).await;
    let left = text(&fixture.bob(), "SELECT title FROM left_behind").await;
    assert_eq!(left, "ann's");

    let database = text(&fixture.owner, "SELECT current_database()::text").await;
    let revoke = format!("REVOKE TEMPORARY ON DATABASE \"{database}\" FROM PUBLIC");
    fixture.owner.execute_unprepared(&revoke).await.unwrap();

    let again = fixture.connect_again().await.scope(fixture.ann_context());
    let refused = RlsError::from(again.execute_unprepared(leave).await.unwrap_err());
    assert_eq!(refused.sqlstate().as_deref(), Some("42501"), "{refused}");
}
