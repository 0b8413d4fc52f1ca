//! sqlx's own query functions beside a scope. They take a connection of sqlx's, which no scope is.

use sea_orm::sqlx::{Connection, PgConnection, query, query_scalar};
use sea_orm::{ActiveModelTrait, DbBackend, FromQueryResult, Statement};

use crate::fixture::{Fixture, config};
use crate::lane::new_task;

const TITLES: &str = "SELECT title FROM task WHERE rank > $1 ORDER BY title";

#[derive(FromQueryResult)]
struct Found {
    title: String,
}

/// A connection of the application's login, on behalf of nobody.
async fn login(fixture: &Fixture) -> PgConnection {
    let app = fixture.config.app_role().as_str();
    let url = fixture.database.url_as(app, "app password'\\");
    PgConnection::connect(&url).await.unwrap()
}

async fn titles(connection: &mut PgConnection) -> Vec<String> {
    let titles = query_scalar(TITLES).bind(0);
    titles.fetch_all(connection).await.unwrap()
}

/// Adds a task of each user; gives the titles that a transaction sees which sets Ann's context itself.
async fn in_a_context_set_by_hand(fixture: &Fixture) -> Vec<String> {
    new_task("ann's").insert(&fixture.ann()).await.unwrap();
    new_task("bob's").insert(&fixture.bob()).await.unwrap();

    let mut connection = login(fixture).await;
    assert!(titles(&mut connection).await.is_empty());
    let mut transaction = connection.begin().await.unwrap();
    query("SELECT set_config('app.user_id', $1, true)")
        .bind(fixture.ann.to_string())
        .execute(&mut *transaction)
        .await
        .unwrap();
    let seen = titles(&mut transaction).await;
    transaction.commit().await.unwrap();
    assert!(titles(&mut connection).await.is_empty());
    seen
}

#[tokio::test]
async fn function_of_sqlx_reads_in_a_transaction_that_sets_the_context() {
    let server = testbed::server().unwrap();
    let fixture = Fixture::configured(server, config, 2, |_| {}).await;
    assert_eq!(in_a_context_set_by_hand(&fixture).await, ["ann's"]);

    // The same text and values in a scope.
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, TITLES, [0.into()]);
    let bob = fixture.bob();
    let found = Found::find_by_statement(statement).all(&bob).await.unwrap();
    let titles: Vec<&str> = found.iter().map(|one| one.title.as_str()).collect();
    assert_eq!(titles, ["bob's"]);
}

/// Nothing but this library signs a context.
#[tokio::test]
async fn function_of_sqlx_reads_nothing_where_contexts_are_signed() {
    let fixture = Fixture::signed(2).await;
    assert!(in_a_context_set_by_hand(&fixture).await.is_empty());
}
