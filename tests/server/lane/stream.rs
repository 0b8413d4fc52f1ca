//! Streams within a transaction, which keep its one connection.

use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, PaginatorTrait, Statement,
    StreamTrait, TransactionTrait,
};
use sea_orm_rls::{RlsError, ScopedTransaction};
use tokio::time::timeout;

use super::new_task;
use crate::fixture::{Fixture, task};

const FOR_EVER: Duration = Duration::from_secs(5);

fn many() -> Statement {
    Statement::from_string(DbBackend::Postgres, "SELECT generate_series(1, 5000)")
}

fn is_open(error: DbErr) -> bool {
    matches!(RlsError::from(error), RlsError::StreamOpen)
}

/// SeaORM's transaction waits for ever if the stream's own task asks it for another statement.
#[tokio::test]
async fn statement_beside_a_stream_of_its_transaction_is_refused() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();
    let mut rows = transaction.stream_raw(many()).await.unwrap();

    for _ in 0..2 {
        let beside = timeout(FOR_EVER, task::Entity::find().all(&transaction))
            .await
            .unwrap();
        assert!(is_open(beside.unwrap_err()));
        assert!(is_open(
            timeout(FOR_EVER, transaction.begin())
                .await
                .unwrap()
                .unwrap_err()
        ));
        assert!(is_open(
            timeout(FOR_EVER, transaction.stream_raw(many()))
                .await
                .unwrap()
                .unwrap_err()
        ));
        rows.next().await.unwrap().unwrap();
    }

    while let Some(row) = rows.next().await {
        row.unwrap();
    }

    new_task("after its end")
        .insert(&transaction)
        .await
        .unwrap();
    drop(rows);
    drop(transaction.stream_raw(many()).await.unwrap());
    new_task("after its drop")
        .insert(&transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(task::Entity::find().count(&fixture.ann()).await.unwrap(), 2);
}

#[tokio::test]
async fn outer_transaction_cannot_be_ended_beside_a_stream_of_a_nested_one() {
    let fixture = Fixture::new(1).await;
    let end: [fn(ScopedTransaction) -> _; 2] = [
        |outer| Box::pin(outer.commit()) as std::pin::Pin<Box<dyn Future<Output = _>>>,
        |outer| Box::pin(outer.rollback()),
    ];

    for end in end {
        let outer = fixture.ann().begin().await.unwrap();
        new_task("lost").insert(&outer).await.unwrap();

        let nested = outer.begin().await.unwrap();
        let mut rows = nested.stream_raw(many()).await.unwrap();
        rows.next().await.unwrap().unwrap();
        assert!(is_open(
            timeout(FOR_EVER, end(outer)).await.unwrap().unwrap_err()
        ));
        drop(rows);
        drop(nested);

        assert_eq!(
            task::Entity::find().count(&fixture.ann()).await.unwrap(),
            0,
            "it is rolled back"
        );
    }
}

/// In line behind a statement, with a stream before it in the line.
#[tokio::test]
async fn statement_that_waits_behind_a_stream_is_refused() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();
    let all = async {
        tokio::join!(
            transaction.execute_unprepared("SELECT pg_sleep(0.05)"),
            transaction.stream_raw(many()),
            task::Entity::find().all(&transaction),
        )
    };

    let (slept, rows, beside) = timeout(FOR_EVER, all).await.unwrap();
    slept.unwrap();
    assert!(is_open(beside.unwrap_err()));
    drop(rows);

    let (one, two) = tokio::join!(
        new_task("one").insert(&transaction),
        new_task("two").insert(&transaction)
    );

    assert!(one.is_ok() && two.is_ok(), "statements wait for statements");
}
