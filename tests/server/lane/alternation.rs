//! Two users in turn on one connection, with one prepared statement: custom plans first, and then
//! the generic one.

use sea_orm::{ActiveModelTrait, ConnectionTrait, DbBackend, Statement, TransactionTrait};
use uuid::Uuid;

use super::new_task;
use crate::fixture::Fixture;

const STATEMENTS: usize = 100_000;

/// Each of so many statements has a transaction around it.
const TRANSACTION: usize = 100;

#[tokio::test]
async fn each_statement_has_its_own_user() {
    let fixture = Fixture::new(1).await;
    let users = [(fixture.ann(), fixture.ann), (fixture.bob(), fixture.bob)];
    for (db, _) in &users {
        new_task("own").insert(db).await.unwrap();
    }

    for number in 0..STATEMENTS {
        let (db, user) = &users[number % 2];
        let found = if number % TRANSACTION == 0 {
            let transaction = db.begin().await.unwrap();
            let found = owners(&transaction).await;
            transaction.commit().await.unwrap();
            found
        } else {
            owners(db).await
        };

        assert_eq!(found, [*user], "{number}");
    }

    let plans = "SELECT max(generic_plans) AS n FROM pg_prepared_statements WHERE statement LIKE \
                 'SELECT owner_id%'";
    let plans = Statement::from_string(DbBackend::Postgres, plans);
    let row = users[0].0.query_one_raw(plans).await.unwrap().unwrap();
    let generic: i64 = row.try_get("", "n").unwrap();
    assert!(generic > 1_000, "{generic}");

    assert!(owners(&fixture.db.anonymous()).await.is_empty());
}

async fn owners(db: &impl ConnectionTrait) -> Vec<Uuid> {
    let sql = "SELECT owner_id FROM task WHERE rank = $1 ORDER BY id LIMIT 1000";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [1.into()]);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get("", "owner_id").unwrap())
        .collect()
}
