//! What is new in PostgreSQL 19 and reads or writes rows: `works_with.md` has a line for each. An
//! older server knows none of it, and must say so.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sea_orm_rls::{RlsError, ScopedConnection};

use super::with_tasks;
use crate::fixture::Fixture;
use crate::schema::version;

/// What a server of this version answers, in a scope of Ann's; `ANN` and `BOB` are the ids of their
/// tasks.
#[rustfmt::skip]
const STATEMENTS: [(&str, &str); 13] = [
    // A key that is taken by a hidden row.
    ("INSERT INTO task (id, title, rank) VALUES ('BOB', 'x', 1) ON CONFLICT (id) DO SELECT RETURNING title", "refused by a policy"),
    ("INSERT INTO task (id, title, rank) VALUES ('BOB', 'x', 1) ON CONFLICT (id) DO SELECT FOR UPDATE RETURNING title", "refused by a policy"),
    ("INSERT INTO task (id, title, rank) VALUES ('BOB', 'x', 1) ON CONFLICT (id) DO SELECT WHERE true RETURNING title", "refused by a policy"),
    // The proposed row is judged first, whosever the row is that is there.
    ("INSERT INTO task (id, title, rank, owner_id) SELECT 'ANN', 'x', 1, gen_random_uuid() ON CONFLICT (id) DO SELECT RETURNING title", "refused by a policy"),
    ("INSERT INTO task (id, title, rank) VALUES ('ANN', 'x', 1) ON CONFLICT (id) DO SELECT RETURNING title", "ann's"),
    ("WITH i AS (INSERT INTO task (id, title, rank) VALUES ('ANN', 'x', 1) ON CONFLICT (id) DO SELECT FOR UPDATE RETURNING title) SELECT title FROM i", "ann's"),
    ("SELECT first_value(title) IGNORE NULLS OVER (ORDER BY title DESC) FROM task", "ann's"),
    ("SELECT error_on_null(title) FROM task", "ann's"),
    ("REPACK task", "42501"),
    // Those that commit on their way are refused in a transaction, before rights are asked.
    ("REPACK", "25001"),
    ("REPACK (CONCURRENTLY) task", "25001"),
    ("WAIT FOR LSN '0/1' WITH (MODE 'primary_flush')", "success"),
    ("SELECT pg_clear_extended_stats('public', 'task', 'public', 's', false)::text", "42501"),
];

/// The first column of the rows, or what the server says.
async fn answer(scope: &ScopedConnection, sql: &str) -> String {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    match scope.query_all_raw(statement).await {
        Ok(rows) => {
            let rows = rows.iter().map(|row| row.try_get_by_index::<String>(0));
            rows.collect::<Result<Vec<_>, _>>().unwrap().join(", ")
        }
        Err(error) => match RlsError::from(error) {
            RlsError::PolicyRefused { .. } => "refused by a policy".to_owned(),
            other => other
                .sqlstate()
                .unwrap_or_else(|| panic!("{sql}: {other:?}")),
        },
    }
}

#[tokio::test]
async fn statements_of_19_reach_no_row_of_another_user() {
    let (fixture, hers, his) = with_tasks(1).await;
    let version = version(&fixture.owner).await;
    for (sql, expected) in STATEMENTS {
        let sql = sql
            .replace("ANN", &hers.id.to_string())
            .replace("BOB", &his.id.to_string());
        let answer = answer(&fixture.ann(), &sql).await;

        if version >= 19 {
            assert_eq!(answer, expected, "{sql}");
        } else {
            // A syntax that it does not know, or a function.
            let unknown = ["42601", "42883"];
            assert!(unknown.contains(&answer.as_str()), "{sql}: {answer}");
        }
    }

    // The owner's own session may rewrite the table; the application's may not.
    if version >= 19 {
        let mut session = super::session(&fixture).await;
        let (state, _) = super::run(&mut session, "REPACK task").await.unwrap_err();
        assert_eq!(state, "42501");
        fixture
            .owner
            .execute_unprepared("REPACK task")
            .await
            .unwrap();
        let titles = answer(&fixture.ann(), "SELECT title FROM task").await;
        assert_eq!(titles, "ann's");
    }
}

/// The server asks the policy after the condition (`works_with.md`). The statement is refused before
/// it is sent, on each version, if contexts are signed, as the condition of `DO UPDATE` is.
#[tokio::test]
async fn condition_of_do_select_is_refused_where_contexts_are_signed() {
    let signed = Fixture::signed(1).await;
    let insert = "INSERT INTO task (title, rank) VALUES ('x', 1) ON CONFLICT (id) DO SELECT WHERE true \
                  RETURNING title";
    let statement = Statement::from_string(DbBackend::Postgres, insert);
    let refused = signed.ann().query_all_raw(statement).await.unwrap_err();
    let refused = RlsError::from(refused);
    assert!(
        matches!(refused, RlsError::BeforePolicies { .. }),
        "{refused:?}"
    );
}
