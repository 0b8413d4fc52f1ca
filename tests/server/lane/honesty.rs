//! No Ok for lost work, and no statement outside the scope unnoticed.

use futures_util::StreamExt;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IsolationLevel,
    PaginatorTrait, Set, Statement, StreamTrait, TransactionTrait,
};
use sea_orm_rls::RlsError;

use super::new_task;
use crate::fixture::{Fixture, task};
use crate::schema::text;

async fn stored(fixture: &Fixture) -> u64 {
    task::Entity::find().count(&fixture.admin()).await.unwrap()
}

async fn fail(db: &impl ConnectionTrait) -> DbErr {
    db.execute_unprepared("SELECT 1 / 0").await.unwrap_err()
}

#[tokio::test]
async fn commit_after_a_failed_statement_is_an_error_with_the_first_failure() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();
    new_task("lost").insert(&transaction).await.unwrap();
    fail(&transaction).await;

    let second = task::Entity::find().all(&transaction).await.unwrap_err();
    assert_eq!(RlsError::from(&second).sqlstate().as_deref(), Some("25P02"));

    let error = RlsError::from(transaction.commit().await.unwrap_err());
    assert!(
        matches!(error, RlsError::TransactionFailed { .. }),
        "{error:?}"
    );
    assert_eq!(
        error.sqlstate().as_deref(),
        Some("22012"),
        "the first failure, not the last: {error}"
    );
    assert_eq!(stored(&fixture).await, 0);
    new_task("kept").insert(&fixture.ann()).await.unwrap();
}

#[tokio::test]
async fn failure_undone_by_a_savepoint_does_not_stop_the_commit() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();
    new_task("kept").insert(&transaction).await.unwrap();

    for ended_by in ["rollback", "drop", "commit"] {
        let nested = transaction.begin().await.unwrap();
        new_task("lost").insert(&nested).await.unwrap();
        fail(&nested).await;

        match ended_by {
            "rollback" => nested.rollback().await.unwrap(),
            "drop" => drop(nested),
            _ => {
                let error = RlsError::from(nested.commit().await.unwrap_err());
                assert!(
                    matches!(error, RlsError::TransactionFailed { .. }),
                    "{error:?}"
                );
            }
        }

        assert_eq!(
            task::Entity::find().count(&transaction).await.unwrap(),
            1,
            "{ended_by}"
        );
    }

    transaction.commit().await.unwrap();
    assert_eq!(stored(&fixture).await, 1);
}

#[tokio::test]
async fn failure_of_a_deferred_constraint_is_an_error_of_the_commit() {
    let fixture = Fixture::new(1).await;
    let defer = r#"ALTER TABLE "task" ADD UNIQUE (title) DEFERRABLE INITIALLY DEFERRED"#;
    fixture.owner.execute_unprepared(defer).await.unwrap();

    let transaction = fixture.ann().begin().await.unwrap();
    new_task("same").insert(&transaction).await.unwrap();
    new_task("same").insert(&transaction).await.unwrap();

    let error = RlsError::from(transaction.commit().await.unwrap_err());
    assert_eq!(error.sqlstate().as_deref(), Some("23505"));
    assert_eq!(stored(&fixture).await, 0);
}

/// limits.md: "hostile text in `execute_unprepared`".
#[tokio::test]
async fn sql_text_cannot_leave_the_scope() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();
    new_task("ann's").insert(&transaction).await.unwrap();

    for sql in [
        "COMMIT",
        "rollback",
        "/* x */ END",
        "SAVEPOINT a",
        "SELECT 1; COMMIT; BEGIN",
        "PREPARE TRANSACTION 'x'",
    ] {
        let error = RlsError::from(transaction.execute_unprepared(sql).await.unwrap_err());
        assert!(
            matches!(error, RlsError::TransactionControl { .. }),
            "{sql}: {error:?}"
        );
    }

    for sql in ["COMMIT AND CHAIN", ";ROLLBACK"] {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let error = RlsError::from(transaction.execute_raw(statement).await.unwrap_err());
        assert!(
            matches!(error, RlsError::TransactionControl { .. }),
            "{sql}: {error:?}"
        );
    }

    let other = format!("SET app.user_id = '{}'", fixture.bob);
    for sql in [
        other.as_str(),
        "RESET ALL",
        "SET ROLE postgres",
        "DISCARD ALL",
        "SET SESSION AUTHORIZATION DEFAULT",
    ] {
        let outside = fixture.db.anonymous().execute_unprepared(sql).await;
        for result in [outside, transaction.execute_unprepared(sql).await] {
            let error = RlsError::from(result.unwrap_err());
            assert!(
                matches!(error, RlsError::ContextChange { .. }),
                "{sql}: {error:?}"
            );
        }
    }

    transaction
        .execute_unprepared("SET LOCAL statement_timeout = '1min'; SELECT 1")
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(stored(&fixture).await, 1);
}

#[tokio::test]
async fn what_a_read_does_beside_reading_is_kept() {
    let fixture = Fixture::new(1).await;
    let run = async |sql: &str| {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        fixture.ann().query_all_raw(statement).await.unwrap().len()
    };

    fixture
        .owner
        .execute_unprepared(
            "CREATE SEQUENCE s; GRANT USAGE ON s TO PUBLIC;
             CREATE FUNCTION add_note(t uuid) RETURNS int LANGUAGE sql AS
               $$ INSERT INTO note (task_id, body) VALUES (t, 'b') RETURNING id $$;
             CREATE VIEW hides_a_write WITH (security_invoker) AS SELECT nextval('s') AS n;
             GRANT SELECT ON hides_a_write TO PUBLIC",
        )
        .await
        .unwrap();
    assert_eq!(run("SELECT * FROM hides_a_write").await, 1);

    let task = new_task("t").insert(&fixture.ann()).await.unwrap();
    assert_eq!(run(&format!("SELECT add_note('{}')", task.id)).await, 1);
    assert_eq!(run("SELECT * FROM task FOR UPDATE").await, 1);
    assert_eq!(
        run(&format!(
            "WITH n AS (INSERT INTO note (task_id, body) VALUES ('{}', 'c') RETURNING id) SELECT * \
             FROM n",
            task.id
        ))
        .await,
        1
    );

    let notes = Statement::from_string(DbBackend::Postgres, "SELECT 1 FROM note");

    assert_eq!(
        fixture.admin().query_all_raw(notes).await.unwrap().len(),
        2,
        "both are stored"
    );
}

#[tokio::test]
async fn dropping_a_transaction_whose_stream_is_alive_does_not_panic() {
    let fixture = Fixture::new(1).await;
    for rank in 0..3 {
        task::ActiveModel {
            rank: Set(rank),
            ..new_task("t")
        }
        .insert(&fixture.ann())
        .await
        .unwrap();
    }

    let outer = fixture.ann().begin().await.unwrap();
    let inner = outer.begin().await.unwrap();
    let statement = Statement::from_string(DbBackend::Postgres, "SELECT * FROM task");
    let mut rows = inner.stream_raw(statement).await.unwrap();

    rows.next().await.unwrap().unwrap();
    drop(outer);
    while let Some(row) = rows.next().await {
        row.unwrap();
    }

    drop(rows);
    assert_eq!(
        task::Entity::find().count(&fixture.ann()).await.unwrap(),
        3,
        "the connection is given back"
    );

    let error = RlsError::from(new_task("after").insert(&inner).await.unwrap_err());
    assert!(matches!(error, RlsError::ScopeLost { .. }), "{error:?}");
}

#[tokio::test]
async fn transactions_ended_out_of_order_are_told() {
    let fixture = Fixture::new(1).await;
    let outer = fixture.ann().begin().await.unwrap();
    let middle = outer.begin().await.unwrap();
    let inner = middle.begin().await.unwrap();

    new_task("inner").insert(&inner).await.unwrap();
    middle.rollback().await.unwrap();

    let error = RlsError::from(inner.commit().await.unwrap_err());
    assert!(matches!(error, RlsError::ScopeLost { .. }), "{error:?}");
    new_task("outer").insert(&outer).await.unwrap();
    outer.commit().await.unwrap();
    assert_eq!(stored(&fixture).await, 1);
}

#[tokio::test]
async fn savepoints_undone_in_a_long_transaction_are_released() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();

    for _ in 0..200 {
        let nested = transaction.begin().await.unwrap();
        fail(&nested).await;
        nested.rollback().await.unwrap();
        new_task("kept").insert(&transaction).await.unwrap();
    }

    transaction.commit().await.unwrap();
    assert_eq!(stored(&fixture).await, 200);
}

#[tokio::test]
async fn outer_transaction_is_refused_while_a_nested_one_is_open() {
    let fixture = Fixture::new(1).await;
    let is_open = |error: DbErr| matches!(RlsError::from(error), RlsError::NestedOpen);
    let outer = fixture.ann().begin().await.unwrap();
    let nested = outer.begin().await.unwrap();

    new_task("nested").insert(&nested).await.unwrap();
    assert!(is_open(new_task("outer").insert(&outer).await.unwrap_err()));
    assert!(is_open(outer.begin().await.unwrap_err()));
    assert!(
        is_open(outer.commit().await.unwrap_err()),
        "it is rolled back, not committed"
    );
    assert!(nested.commit().await.is_err());
    assert_eq!(stored(&fixture).await, 0);

    let outer = fixture.ann().begin().await.unwrap();
    let one = outer.begin().await.unwrap();
    new_task("one").insert(&one).await.unwrap();
    one.commit().await.unwrap();

    let two = outer.begin().await.unwrap();
    new_task("two").insert(&two).await.unwrap();
    drop(two);
    outer.commit().await.unwrap();
    assert_eq!(stored(&fixture).await, 1);
}

/// limits.md: "temporary tables and functions".
#[tokio::test]
async fn what_would_outlive_the_scope_on_the_connection_is_refused() {
    let fixture = Fixture::new(1).await;
    for sql in [
        "CREATE TEMP TABLE import AS SELECT * FROM task",
        "DECLARE c CURSOR WITH HOLD FOR SELECT title FROM task",
        "SET search_path = pg_catalog",
        "PREPARE p AS SELECT 1",
        "CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql AS 'SELECT title FROM task'",
        "ALTER ROLE CURRENT_USER SET search_path = pg_catalog",
    ] {
        let error = RlsError::from(fixture.ann().execute_unprepared(sql).await.unwrap_err());
        assert!(
            matches!(error, RlsError::OutlivesScope { .. }),
            "{sql}: {error:?}"
        );
    }
}

#[tokio::test]
async fn text_that_sets_how_times_are_written_stays_in_the_scope() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();
    let style = "SET LOCAL DateStyle = 'SQL, DMY'; SET LOCAL TimeZone = 'Asia/Kolkata'";

    transaction.execute_unprepared(style).await.unwrap();
    new_task("kept").insert(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(stored(&fixture).await, 1);
}

/// The server would take a parameter of the context for the missing value.
#[tokio::test]
async fn placeholder_without_a_value_is_an_error() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();
    let missing = || {
        let sql = "SELECT $1::text, $2::text";
        Statement::from_sql_and_values(DbBackend::Postgres, sql, ["one".into()])
    };

    for refused in [
        fixture
            .db
            .anonymous()
            .query_one_raw(missing())
            .await
            .map(drop),
        transaction.query_all_raw(missing()).await.map(drop),
        transaction.stream_raw(missing()).await.map(drop),
    ] {
        let refused = RlsError::from(refused.unwrap_err());
        assert!(
            matches!(
                refused,
                RlsError::MissingValue {
                    placeholder: 2,
                    values: 1
                }
            ),
            "{refused:?}"
        );
    }

    new_task("kept").insert(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(stored(&fixture).await, 1);
}

/// FAULTS M9. The context is set by a query, before which the server would take it.
#[tokio::test]
async fn isolation_level_by_text_is_refused_and_says_how() {
    let fixture = Fixture::new(1).await;
    let ann = fixture.ann();
    let set = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE";
    let transaction = ann.begin().await.unwrap();
    let statement = Statement::from_string(DbBackend::Postgres, set);

    for refused in [
        transaction.execute_unprepared(set).await,
        transaction.execute_raw(statement).await,
    ] {
        let error = RlsError::from(refused.unwrap_err());
        assert!(
            matches!(error, RlsError::TransactionControl { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("begin_with_config"), "{error}");
    }

    drop(transaction);
    let serializable = Some(IsolationLevel::Serializable);
    let transaction = ann.begin_with_config(serializable, None).await.unwrap();
    let level = "SELECT current_setting('transaction_isolation')";
    assert_eq!(text(&transaction, level).await, "serializable");
}
