//! Shapes of statements that Citus plans in other ways: none shows or changes a row of another user.

use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use sea_orm_rls::RlsError;

use crate::cluster::{Cluster, all_tasks, one};

/// Statements that count tasks, each in a shape that Citus plans by itself: router, pushdown, subplans
/// that go through the coordinator, repartitioning, and joins with a reference table.
const COUNTS: &[&str] = &[
    "SELECT count(*) FROM task",
    "SELECT count(*) FROM (SELECT * FROM task OFFSET 0) AS all_of_them",
    "SELECT count(*) FROM (SELECT * FROM task ORDER BY title LIMIT 100) AS t",
    "WITH t AS MATERIALIZED (SELECT * FROM task) SELECT count(*) FROM t",
    "WITH t AS NOT MATERIALIZED (SELECT * FROM task) SELECT count(*) FROM t",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 2),
       o AS (SELECT * FROM task) SELECT count(*) FROM o WHERE (SELECT count(*) FROM t) = 2",
    "WITH t AS (UPDATE task SET rank = rank RETURNING *) SELECT count(*) FROM t",
    "SELECT count(*) FROM task JOIN country ON code <> ''",
    "SELECT count(*) FROM country LEFT JOIN task ON true WHERE owner_id IS NOT NULL",
    "SELECT count(*) FROM country, LATERAL (SELECT * FROM task WHERE title <> code) AS t",
    "SELECT count(*) FROM task AS a JOIN task AS b USING (owner_id, id)",
    "SELECT count(*) FROM task AS a JOIN \"user\" AS u ON u.id = a.owner_id",
    "SELECT count(*) FROM (SELECT id FROM task UNION SELECT id FROM task) AS t",
    "SELECT count(*) FROM (SELECT id FROM task EXCEPT SELECT id FROM \"user\") AS rest",
    "SELECT count(*) FROM task WHERE owner_id IN (SELECT id FROM \"user\")",
    "SELECT count(*) FROM task WHERE EXISTS (SELECT FROM country)",
    "SELECT (SELECT count(*) FROM task)",
    "SELECT count(*) FROM task WHERE owner_id = '{bob}' OR true",
    "SELECT count(*) FROM task WHERE owner_id = '{bob}' OR owner_id = '{ann}'",
    "SELECT count(DISTINCT id) FROM task",
    "SELECT coalesce(sum(n), 0)::bigint FROM (SELECT count(*) OVER () AS n FROM task LIMIT 1) AS w",
    "SELECT count(*) FROM task TABLESAMPLE BERNOULLI (100)",
    "SELECT coalesce(sum(n), 0)::bigint FROM (SELECT owner_id, count(*) AS n FROM task GROUP BY 1
       HAVING count(*) > 0) AS g",
];

/// Those that ask for the other user's rows alone.
const NONE: &[&str] = &[
    "SELECT count(*) FROM task WHERE owner_id = '{bob}'",
    "SELECT count(*) FROM \"user\" WHERE id = '{bob}'",
    "SELECT count(*) FROM country LEFT JOIN task ON owner_id = '{bob}' WHERE owner_id IS NOT NULL",
    "WITH t AS (UPDATE task SET rank = 99 WHERE owner_id = '{bob}' RETURNING 1) SELECT count(*) FROM t",
    "WITH t AS (DELETE FROM task WHERE owner_id = '{bob}' RETURNING 1) SELECT count(*) FROM t",
    "WITH t AS (SELECT * FROM task WHERE owner_id = '{bob}' FOR UPDATE) SELECT count(*) FROM t",
];

/// In a statement alone, in a transaction, and in a nested one. The session has kept all plans of
/// the other user by then, and had their context before.
#[tokio::test]
async fn no_shape_of_a_statement_shows_another_users_row() {
    let cluster = Cluster::new().await;
    cluster.tasks().await;
    let code = "INSERT INTO country (code) VALUES ('de')";
    cluster.owner.execute_unprepared(code).await.unwrap();

    let mut tried = 0;
    for (counts, expected) in [(COUNTS, 1), (NONE, 0)] {
        for sql in counts {
            let sql = sql
                .replace("{ann}", &cluster.ann.to_string())
                .replace("{bob}", &cluster.bob.to_string());
            let statement = || Statement::from_string(DbBackend::Postgres, sql.as_str());

            let (ann, bob) = (cluster.ann(), cluster.bob());
            let outer = ann.begin().await.unwrap();
            let nested = outer.begin().await.unwrap();
            let within = nested.query_one_raw(statement()).await;
            nested.rollback().await.unwrap();
            outer.rollback().await.unwrap();

            let Ok(Some(row)) = within else {
                let error = RlsError::from(within.unwrap_err());
                let refused = matches!(error, RlsError::RefusedByCitus { .. });
                assert!(refused, "{sql}: {error:?}");
                continue;
            };
            let count: i64 = row.try_get_by_index(0).unwrap();
            assert_eq!(count, expected, "{sql}");

            // Bob's own rows, on the same connection, and then hers again.
            if expected == 1 && !sql.contains(&cluster.bob.to_string()) {
                assert_eq!(one::<i64>(&bob, &sql).await, 1, "{sql}");
            }
            assert_eq!(one::<i64>(&ann, &sql).await, expected, "{sql}");
            let nobody = cluster.db.anonymous();
            assert_eq!(one::<i64>(&nobody, &sql).await, 0, "{sql}");
            tried += 1;
        }
    }
    assert!(tried > 20, "most of them run: {tried}");

    let kept = all_tasks(&cluster.bob()).await;
    assert_eq!((kept.len(), kept[0].rank), (1, 1));
    cluster.drop().await;
}

/// Citus keeps plans of prepared statements, and chooses a generic one at the sixth execution.
#[tokio::test]
async fn kept_plan_serves_the_context_of_now() {
    let cluster = Cluster::new().await;
    let (hers, his) = cluster.tasks().await;
    for sql in [
        "SELECT title FROM task WHERE rank = $1",
        "SELECT title FROM task WHERE rank = $1 AND owner_id IS NOT NULL",
        "UPDATE task SET rank = $1 RETURNING title",
        "WITH t AS MATERIALIZED (SELECT title FROM task WHERE rank = $1) SELECT title FROM t",
    ] {
        for round in 0..16 {
            let (scope, own) = match round % 3 {
                0 => (cluster.ann(), Some(&hers)),
                1 => (cluster.bob(), Some(&his)),
                _ => (cluster.db.anonymous(), None),
            };
            let values = [1.into()];
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
            let rows = scope.query_all_raw(statement).await.unwrap();
            let titles: Vec<String> = rows
                .iter()
                .map(|row| row.try_get_by_index(0).unwrap())
                .collect();
            let own: Vec<&str> = own.map(|own| own.title.as_str()).into_iter().collect();
            assert_eq!(titles, own, "{sql}, round {round}");
        }
    }

    // The owner as a parameter: the shard is chosen by the value, and holds no row for her there.
    let by_owner = "SELECT count(*) FROM task WHERE owner_id = $1";
    for round in 0..16 {
        let (owner, expected) = match round % 2 {
            0 => (cluster.ann, 1),
            _ => (cluster.bob, 0),
        };
        let values = [owner.into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, by_owner, values);
        let row = cluster
            .ann()
            .query_one_raw(statement)
            .await
            .unwrap()
            .unwrap();
        let count: i64 = row.try_get_by_index(0).unwrap();
        assert_eq!(count, expected, "round {round}");
    }
    cluster.drop().await;
}

/// `INSERT … SELECT`, upserts and moves give nobody another's row, and write none for another.
#[tokio::test]
async fn writes_by_queries_stay_with_their_user() {
    let cluster = Cluster::new().await;
    cluster.tasks().await;
    let (ann, bob) = (cluster.ann, cluster.bob);
    let scope = cluster.ann();

    let own = "INSERT INTO task (owner_id, id, title, rank)
                  SELECT owner_id, gen_random_uuid(), title, rank FROM task";
    let copied = scope.execute_unprepared(own).await.unwrap();
    assert_eq!(copied.rows_affected(), 1);

    for sql in [
        format!(
            "INSERT INTO task (owner_id, id, title, rank)
                 SELECT '{bob}', gen_random_uuid(), title, rank FROM task"
        ),
        format!(
            "INSERT INTO task (owner_id, id, title, rank)
                 VALUES ('{bob}', gen_random_uuid(), 'x', 1)"
        ),
        format!(
            "INSERT INTO task (owner_id, id, title, rank) SELECT '{bob}', id, 'taken', 1
                 FROM \"user\" ON CONFLICT (owner_id, id) DO UPDATE SET title = 'taken'"
        ),
        format!("UPDATE task SET owner_id = '{bob}' WHERE owner_id = '{ann}'"),
    ] {
        let error = RlsError::from(scope.execute_unprepared(&sql).await.unwrap_err());
        let refused = matches!(
            error,
            RlsError::PolicyRefused { .. } | RlsError::RefusedByCitus { .. }
        );
        assert!(refused, "{sql}: {error:?}");
    }

    for sql in [
        format!("UPDATE task SET title = 'taken' WHERE owner_id = '{bob}'"),
        format!(
            "DELETE FROM task USING \"user\" AS u WHERE u.id = owner_id AND owner_id = '{bob}'"
        ),
        format!("UPDATE task SET title = 'taken' FROM country WHERE owner_id = '{bob}'"),
    ] {
        let done = scope.execute_unprepared(&sql).await.unwrap();
        assert_eq!(done.rows_affected(), 0, "{sql}");
    }

    let his = all_tasks(&cluster.bob()).await;
    assert_eq!((his.len(), his[0].title.as_str()), (1, "bob's"));
    assert_eq!(all_tasks(&cluster.ann()).await.len(), 2);
    cluster.drop().await;
}
