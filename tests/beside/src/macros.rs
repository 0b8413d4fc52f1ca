//! sqlx's macros, whose texts are compared with a database when the program is compiled. What that found
//! is in `.sqlx`; to make it anew, create `tables.sql` in a database, and compile this with
//! `DATABASE_URL` and `SQLX_OFFLINE_DIR=.sqlx`.

use sea_orm::{DbBackend, FromQueryResult, Statement};
use sqlx::{Connection, Execute};

use super::World;

#[derive(Debug, PartialEq, FromQueryResult)]
struct Task {
    title: String,
    note: Option<String>,
}

fn titles(tasks: &[Task]) -> Vec<&str> {
    tasks.iter().map(|task| task.title.as_str()).collect()
}

/// The text that the macro has checked, in a statement of the scope.
#[tokio::test]
async fn text_that_a_macro_has_checked_runs_in_a_scope() {
    let world = World::new().await;
    for (user, expected) in [(1, vec!["a1", "a2"]), (2, vec!["b1"])] {
        let least = "a";
        let checked = sqlx::query_as!(
            Task,
            "SELECT title, note FROM task WHERE title > $1 ORDER BY title",
            least
        );
        let text = checked.sql();
        let statement =
            Statement::from_sql_and_values(DbBackend::Postgres, text.as_str(), [least.into()]);
        let scope = world.scope(user);
        let tasks = Task::find_by_statement(statement).all(&scope).await;
        assert_eq!(titles(&tasks.unwrap()), expected);
    }
}

/// The macros' own `fetch_all` takes a connection of sqlx's. As the application's login it is on behalf
/// of nobody, until its transaction sets the context itself.
#[tokio::test]
async fn macro_on_a_connection_of_its_own_reads_no_row_without_a_context() {
    let world = World::new().await;
    let mut login = world.login().await;
    let all = sqlx::query_as!(Task, "SELECT title, note FROM task ORDER BY title");
    assert_eq!(all.fetch_all(&mut login).await.unwrap(), []);

    let mut transaction = login.begin().await.unwrap();
    sqlx::query("SELECT set_config('app.user_id', $1, true)")
        .bind("2")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let all = sqlx::query_as!(Task, "SELECT title, note FROM task ORDER BY title");
    let tasks = all.fetch_all(&mut *transaction).await.unwrap();
    assert_eq!(titles(&tasks), ["b1"]);
    transaction.commit().await.unwrap();

    let all = sqlx::query_as!(Task, "SELECT title, note FROM task ORDER BY title");
    assert_eq!(all.fetch_all(&mut login).await.unwrap(), []);
}
