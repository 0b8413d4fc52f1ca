//! What others can see of a context: in the server's views, its log and its statistics.

use std::fs;

use sea_orm::{ConnectionTrait, EntityTrait, TransactionTrait};
use sea_orm_rls::{ScopedConnection, UserContext};
use uuid::Uuid;

use crate::fixture::{Fixture, task};
use crate::schema::text;

const USERS: usize = 1_000;

fn server() -> testbed::Server {
    testbed::Server::builder()
        .own()
        .setting(
            "shared_preload_libraries",
            "pg_stat_statements,auto_explain",
        )
        .setting("log_statement", "all")
        .setting("auto_explain.log_min_duration", "0")
        // The server's message says `parameters: $1 = '…'` otherwise, of each statement.
        .setting("log_parameter_max_length", "0")
        // The same of what is explained, since PostgreSQL 16.
        .setting("auto_explain.log_parameter_max_length", "0")
        .start()
        .unwrap()
}

/// What the statements' statistics say of the reads: how many entries, and how many of all that
/// show the user.
async fn entries(fixture: &Fixture, user: Uuid) -> (String, String) {
    let reads = "SELECT count(*)::text FROM pg_stat_statements WHERE query LIKE 'SELECT \"task\"%'";
    let shown =
        format!("SELECT count(*)::text FROM pg_stat_statements WHERE query LIKE '%{user}%'");
    (
        text(&fixture.owner, reads).await,
        text(&fixture.owner, &shown).await,
    )
}

/// How many of the application's sessions show the user in their last statement.
async fn sessions(fixture: &Fixture, user: Uuid) -> String {
    let sessions = format!(
        "SELECT count(*)::text FROM pg_stat_activity WHERE usename = '{}' AND query LIKE '%{user}%'",
        fixture.config.app_role()
    );
    text(&fixture.owner, &sessions).await
}

async fn read(db: &ScopedConnection) {
    task::Entity::find().all(db).await.unwrap();
    let transaction = db.begin().await.unwrap();
    task::Entity::find().all(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn statements_show_no_user() {
    let server = server();
    let fixture = Fixture::on(&server, 1, |_| {}).await;
    let create = "CREATE EXTENSION pg_stat_statements";
    fixture.owner.execute_unprepared(create).await.unwrap();

    let users: Vec<Uuid> = (0..USERS).map(|_| Uuid::new_v4()).collect();
    for user in &users {
        read(&fixture.db.scope(UserContext::new(*user))).await;
    }

    let last = users[USERS - 1];
    assert_eq!(entries(&fixture, last).await, ("1".into(), "0".into()));

    let transaction = fixture.db.scope(UserContext::new(last)).begin().await;
    let transaction = transaction.unwrap();
    assert_eq!(sessions(&fixture, last).await, "0");
    task::Entity::find().all(&transaction).await.unwrap();
    assert_eq!(sessions(&fixture, last).await, "0");

    let log = fs::read_to_string(server.folder().unwrap().join("log")).unwrap();
    let reads = log.matches("SELECT \"task\"").count();
    assert!(reads >= USERS * 2, "each is logged: {reads}");
    assert!(log.contains("duration:"), "each is explained");

    // What this test asked with the last user's key stands in the log as well.
    let shown = users[..USERS - 1]
        .iter()
        .filter(|user| log.contains(&user.to_string()));
    assert_eq!(shown.count(), 0);
}

/// Its context is text.
#[tokio::test]
async fn unprepared_text_shows_its_user() {
    let server = server();
    let fixture = Fixture::on(&server, 1, |_| {}).await;
    let transaction = fixture.ann().begin().await.unwrap();
    transaction.execute_unprepared("SELECT 1").await.unwrap();
    assert_eq!(sessions(&fixture, fixture.ann).await, "1");

    let log = fs::read_to_string(server.folder().unwrap().join("log")).unwrap();
    assert!(log.contains(&fixture.ann.to_string()));
}

/// With the server's default, the log has the values of all parameters, with those of the context.
#[tokio::test]
async fn logged_parameters_show_the_user() {
    let server = server();
    let fixture = Fixture::on(&server, 1, |_| {}).await;
    let all = format!(
        "ALTER ROLE \"{}\" SET log_parameter_max_length = -1",
        fixture.config.app_role()
    );
    fixture.owner.execute_unprepared(&all).await.unwrap();

    let user = Uuid::new_v4();
    let db = fixture.connect_again().await;
    read(&db.scope(UserContext::new(user))).await;

    let log = fs::read_to_string(server.folder().unwrap().join("log")).unwrap();
    let shown = log.lines().find(|line| line.contains(&user.to_string()));
    assert!(
        shown.is_some_and(|line| line.contains("$1 = '")),
        "{shown:?}"
    );
}
