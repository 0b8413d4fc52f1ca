//! Statements of every kind, in turn for two users on one connection: the context is there before
//! the server plans. A context that came later, or stayed, would give another answer to each.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, Statement, TransactionTrait, Value,
};
use sea_orm_rls::{RlsError, ScopedConnection};

use super::new_task;
use crate::fixture::Fixture;

/// More than the five custom plans after which the server may keep a generic one.
const TURNS: usize = 12;

async fn all(db: &impl ConnectionTrait, sql: &str) -> Result<Vec<String>, DbErr> {
    let rows = db
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Ann's tasks are `a0` to `a2`, Bob's `b0` to `b2`.
async fn with_tasks() -> (Fixture, [(ScopedConnection, &'static str); 2]) {
    let fixture = Fixture::new(1).await;
    let users = [(fixture.ann(), "a"), (fixture.bob(), "b")];
    for (db, mark) in &users {
        for number in 0..3 {
            new_task(&format!("{mark}{number}"))
                .insert(db)
                .await
                .unwrap();
        }
    }

    (fixture, users)
}

/// Runs a statement in turn for both, alone and in a transaction. In its answer `*` stands for the
/// user's mark.
async fn assert_answers(users: &[(ScopedConnection, &str); 2], sql: &str, expected: &[&str]) {
    for turn in 0..TURNS {
        for (db, mark) in users {
            let expected: Vec<String> = expected
                .iter()
                .map(|text| text.replace('*', mark))
                .collect();
            assert_eq!(
                all(db, sql).await.unwrap(),
                expected,
                "{turn} {mark}: {sql}"
            );

            let transaction = db.begin().await.unwrap();
            assert_eq!(all(&transaction, sql).await.unwrap(), expected, "{sql}");
            transaction.rollback().await.unwrap();
        }
    }
}

#[tokio::test]
async fn reads_and_writes_are_the_users_own() {
    let (_fixture, users) = with_tasks().await;

    for (sql, expected) in [
        (
            "SELECT title FROM task ORDER BY title",
            &["*0", "*1", "*2"][..],
        ),
        (
            "SELECT title FROM task ORDER BY title DESC LIMIT 1",
            &["*2"],
        ),
        (
            "SELECT title FROM task ORDER BY title FOR UPDATE",
            &["*0", "*1", "*2"],
        ),
        (
            "SELECT count(*)::text FROM task a JOIN task b USING (owner_id)",
            &["9"],
        ),
        (
            "UPDATE task SET rank = rank + 1 WHERE title LIKE '%1' RETURNING title",
            &["*1"],
        ),
        (
            "WITH moved AS (UPDATE task SET rank = 5 RETURNING title)
             SELECT title FROM moved ORDER BY title LIMIT 2",
            &["*0", "*1"],
        ),
        ("TABLE task LIMIT 0", &[]),
        (
            "SELECT title FROM (VALUES (1)) AS one, LATERAL (SELECT title FROM task ORDER BY 1 LIMIT 1) t",
            &["*0"],
        ),
    ] {
        assert_answers(&users, sql, expected).await;
    }
}

#[tokio::test]
async fn insert_that_meets_a_row_sees_the_users_own_alone() {
    let (fixture, users) = with_tasks().await;
    let unique = "CREATE UNIQUE INDEX ON task (owner_id, title)";
    fixture.owner.execute_unprepared(unique).await.unwrap();

    let upsert = "INSERT INTO task (id, title, rank)
                  SELECT gen_random_uuid(), (SELECT title FROM task ORDER BY title LIMIT 1), 1
                  ON CONFLICT (owner_id, title) DO UPDATE SET rank = task.rank + 1 RETURNING title";
    assert_answers(&users, upsert, &["*0"]).await;
}

#[tokio::test]
async fn explain_and_cursor_have_the_context() {
    let (fixture, users) = with_tasks().await;

    for (db, mark) in &users {
        let explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT FROM task";
        let plan = all(db, explain).await;
        if fixture.key.is_some() {
            let refused = RlsError::from(plan.unwrap_err());
            assert!(
                matches!(refused, RlsError::BeforePolicies { .. }),
                "{refused}"
            );
        } else {
            let plan = plan.unwrap().join("\n");
            assert!(plan.contains("rows=3"), "{plan}");
        }

        let transaction = db.begin().await.unwrap();
        let declare = "DECLARE c CURSOR FOR SELECT title FROM task ORDER BY title";
        let declare = Statement::from_string(DbBackend::Postgres, declare);
        transaction.execute_raw(declare).await.unwrap();
        assert_eq!(
            all(&transaction, "FETCH 2 FROM c").await.unwrap(),
            [format!("{mark}0"), format!("{mark}1")]
        );
        transaction.commit().await.unwrap();
    }
}

/// A policy whose condition is no subquery lets the server choose partitions before it runs.
#[tokio::test]
async fn partitions_and_workers_are_those_of_the_context() {
    let (fixture, users) = with_tasks().await;
    let app = fixture.config.app_role();
    let table = format!(
        "CREATE TABLE part (owner_id uuid, title text) PARTITION BY HASH (owner_id);
         CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         INSERT INTO part SELECT owner_id, left(title, 1) || n FROM task, generate_series(1, 2000) n
           WHERE title LIKE '%0';
         ALTER TABLE part ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON part USING (owner_id = current_setting('app.user_id')::uuid);
         GRANT SELECT ON part TO \"{app}\"; ANALYZE part;
         ALTER ROLE \"{app}\" SET parallel_setup_cost = 0; ALTER ROLE \"{app}\" SET parallel_tuple_cost = 0;
         ALTER ROLE \"{app}\" SET min_parallel_table_scan_size = 0"
    );
    fixture.owner.execute_unprepared(&table).await.unwrap();

    let explain = "EXPLAIN (COSTS OFF) SELECT title FROM part";
    assert_answers(
        &users,
        "SELECT min(title) || count(*) FROM part",
        &["*12000"],
    )
    .await;
    for (db, _) in &users {
        let plan = all(db, explain).await.unwrap().join("\n");
        assert!(plan.contains("Subplans Removed: 1"), "{plan}");
    }

    // A new session has the role's settings.
    let parallel = fixture.connect_again().await;
    let (ann, bob) = (
        parallel.scope(fixture.ann_context()),
        parallel.scope(sea_orm_rls::UserContext::new(fixture.bob)),
    );
    let users = [(ann, "a"), (bob, "b")];
    let plan = all(&users[0].0, "EXPLAIN (COSTS OFF) SELECT count(*) FROM part")
        .await
        .unwrap()
        .join("\n");
    assert!(plan.contains("Gather"), "{plan}");
    assert_answers(
        &users,
        "SELECT min(title) || count(*) FROM part",
        &["*12000"],
    )
    .await;
}

/// Some 65,000 values leave no room for the parameters of the context.
#[tokio::test]
async fn statement_with_all_the_values_there_can_be_has_the_context() {
    let (_fixture, users) = with_tasks().await;

    for count in [65_534, 65_535] {
        let placeholders: Vec<String> = (1..=count).map(|at| format!("${at}")).collect();
        let sql = format!(
            "SELECT title FROM task WHERE rank IN ({}) ORDER BY title",
            placeholders.join(", ")
        );
        let values: Vec<Value> = (1..=count).map(Value::from).collect();
        let statement =
            || Statement::from_sql_and_values(DbBackend::Postgres, &sql, values.clone());

        for (db, mark) in &users {
            let expected = format!("{mark}0");
            let first: String = db
                .query_one_raw(statement())
                .await
                .unwrap()
                .unwrap()
                .try_get_by_index(0)
                .unwrap();
            assert_eq!(first, expected, "{count}");

            let transaction = db.begin().await.unwrap();
            let rows = transaction.query_all_raw(statement()).await.unwrap();
            assert_eq!(rows.len(), 3);
            assert_eq!(rows[0].try_get_by_index::<String>(0).unwrap(), expected);

            // The savepoint's rollback takes the context of the statement in it away.
            let nested = transaction.begin().await.unwrap();
            nested.query_all_raw(statement()).await.unwrap();
            nested.rollback().await.unwrap();
            assert_eq!(
                all(&transaction, "SELECT title FROM task")
                    .await
                    .unwrap()
                    .len(),
                3
            );
            transaction.commit().await.unwrap();
        }
    }
}

/// After its commit a procedure would go on without a context.
#[tokio::test]
async fn procedure_has_the_context_and_cannot_commit() {
    let (fixture, users) = with_tasks().await;
    let procedures = "
        CREATE PROCEDURE raise_ranks() LANGUAGE sql AS $$ UPDATE task SET rank = rank + 1 $$;
        CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
          BEGIN UPDATE task SET rank = 100; COMMIT; UPDATE task SET rank = 200; END $$";
    fixture.owner.execute_unprepared(procedures).await.unwrap();

    let call = |sql| Statement::from_string(DbBackend::Postgres, sql);
    let (ann, _) = &users[0];
    ann.execute_raw(call("CALL raise_ranks()")).await.unwrap();
    let error = RlsError::from(ann.execute_raw(call("CALL commits()")).await.unwrap_err());
    assert_eq!(error.sqlstate().as_deref(), Some("2D000"));

    let transaction = ann.begin().await.unwrap();
    transaction
        .execute_raw(call("CALL raise_ranks()"))
        .await
        .unwrap();
    transaction.commit().await.unwrap();

    let ranks = "SELECT string_agg(DISTINCT rank::text, ' ') FROM task";
    for ((db, _), expected) in users.iter().zip(["3", "1"]) {
        assert_eq!(all(db, ranks).await.unwrap(), [expected]);
    }
}
