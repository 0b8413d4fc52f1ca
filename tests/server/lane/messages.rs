//! What travels between client and server, counted by a proxy.

use futures_util::TryStreamExt;
use sea_orm::{
    AccessMode, ActiveModelTrait, ConnectOptions, ConnectionTrait, DbBackend, DbErr, EntityTrait,
    IsolationLevel, Statement, StreamTrait, TransactionTrait,
};
use sea_orm_rls::{RlsConnection, RlsError, ScopedConnection, ScopedTransaction, UserContext};
use testbed::{Counter, Proxy};

use super::new_task;
use crate::fixture::{Fixture, entities, task};

/// A connection through a recording proxy, its statements prepared and cached already.
async fn through_proxy(fixture: &Fixture) -> (Proxy, ScopedConnection) {
    let proxy = Proxy::to(testbed::server().unwrap())
        .recording()
        .start()
        .unwrap();

    let app = fixture.config.app_role().as_str();
    let mut options = ConnectOptions::new(fixture.database.proxy_url_as(
        proxy.address(),
        app,
        "app password'\\",
    ));

    options.max_connections(1);

    let db = RlsConnection::connect_with(options, fixture.config.clone(), entities())
        .await
        .unwrap();
    let ann = db.scope(UserContext::new(fixture.ann));

    for _ in 0..2 {
        new_task("warm").insert(&ann).await.unwrap();
        task::Entity::find().all(&ann).await.unwrap();
    }

    settle(&ann).await;
    proxy.reset();

    (proxy, ann)
}

/// A read's rollback is sent when it ends, and that of what is dropped when the pool gets the
/// connection; nobody waits.
async fn settle(_db: &ScopedConnection) {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}

/// Without what the pool asks of a connection that came back to it.
fn without_syncs(counter: &Counter) -> Vec<String> {
    counter
        .flights()
        .iter()
        .map(ToString::to_string)
        .filter(|flight| flight != "S")
        .collect()
}

#[tokio::test]
async fn read_waits_for_two_answers() {
    let fixture = Fixture::new(1).await;
    let (proxy, ann) = through_proxy(&fixture).await;
    let transaction = ann.begin().await.unwrap();
    let begin = proxy.counter();

    assert_eq!(begin.round_trips(), 1, "{:?}", begin.flights());
    assert_eq!(begin.sent('Q'), 1, "begin and context are one message");

    let text = begin.flights()[0].to_string();
    assert_eq!(
        text,
        format!("Q BEGIN; SET LOCAL \"app\".\"user_id\" = '{}'", fixture.ann)
    );
    drop(transaction);
    settle(&ann).await;
    proxy.reset();

    task::Entity::find().all(&ann).await.unwrap();
    settle(&ann).await;

    let counter = proxy.counter();
    let flights = without_syncs(&counter);
    assert!(
        flights[0].starts_with("Q BEGIN READ ONLY; SET LOCAL"),
        "{flights:?}"
    );
    assert!(
        flights[1].starts_with('B'),
        "the statement is cached: {flights:?}"
    );
    assert!(flights[2].starts_with("Q ROLLBACK"), "{flights:?}");
    assert_eq!(
        flights.len(),
        3,
        "the rollback is sent after the answer: {flights:?}"
    );
    assert_eq!(counter.sent('P'), 0, "nothing is prepared again");
}

#[tokio::test]
async fn write_waits_for_three_answers_and_a_transaction_for_two_more_than_its_statements() {
    let fixture = Fixture::new(1).await;
    let (proxy, ann) = through_proxy(&fixture).await;
    new_task("one").insert(&ann).await.unwrap();
    assert_eq!(
        proxy.counter().round_trips(),
        3,
        "{:?}",
        proxy.counter().flights()
    );
    settle(&ann).await;
    proxy.reset();

    let transaction = ann.begin().await.unwrap();
    for _ in 0..5 {
        task::Entity::find().all(&transaction).await.unwrap();
    }

    transaction.commit().await.unwrap();

    assert_eq!(
        proxy.counter().round_trips(),
        7,
        "{:?}",
        proxy.counter().flights()
    );
}

#[tokio::test]
async fn misjudged_read_is_rolled_back_and_begun_again_in_one_flight() {
    let fixture = Fixture::new(1).await;
    fixture
        .owner
        .execute_unprepared(
            "CREATE SEQUENCE s; GRANT USAGE ON s TO PUBLIC;
             CREATE VIEW counts WITH (security_invoker) AS SELECT nextval('s') AS n; GRANT SELECT \
             ON counts TO PUBLIC",
        )
        .await
        .unwrap();

    let (proxy, ann) = through_proxy(&fixture).await;
    let read = || Statement::from_string(DbBackend::Postgres, "SELECT n FROM counts");
    let row = ann.query_one_raw(read()).await.unwrap().unwrap();

    assert_eq!(
        row.try_get::<i64>("", "n").unwrap(),
        1,
        "what failed first drew no number"
    );

    let flights: Vec<String> = proxy
        .counter()
        .flights()
        .iter()
        .map(ToString::to_string)
        .collect();

    let again = flights
        .iter()
        .find(|flight| flight.contains("ROLLBACK"))
        .unwrap();

    assert!(again.contains("Q BEGIN; SET LOCAL"), "{flights:?}");

    assert!(
        flights.iter().any(|flight| flight.starts_with("Q COMMIT")),
        "{flights:?}"
    );
}

async fn read_five(db: &ScopedTransaction) -> Result<(), DbErr> {
    for _ in 0..5 {
        task::Entity::find().all(db).await?;
    }

    Ok(())
}

#[tokio::test]
async fn read_only_transaction_waits_for_one_answer_more_than_its_reads() {
    let fixture = Fixture::new(1).await;
    let (proxy, ann) = through_proxy(&fixture).await;

    for end in ["commit", "drop", "closure"] {
        let read_only = Some(AccessMode::ReadOnly);
        if end == "closure" {
            ann.transaction_with_config(|reads| Box::pin(read_five(reads)), None, read_only)
                .await
                .unwrap();
        } else {
            let reads = ann.begin_with_config(None, read_only).await.unwrap();
            read_five(&reads).await.unwrap();

            if end == "commit" {
                reads.commit().await.unwrap();
            } else {
                drop(reads);
            }
        }

        settle(&ann).await;

        let flights = without_syncs(&proxy.counter());
        assert!(
            flights[0].starts_with("Q BEGIN READ ONLY; SET LOCAL"),
            "{flights:?}"
        );
        assert!(
            flights[6].starts_with("Q ROLLBACK") && flights.len() == 7,
            "{end}: {flights:?}"
        );
        proxy.reset();
    }
}

#[tokio::test]
async fn read_only_transaction_is_committed_where_a_rollback_could_drop_something() {
    let fixture = Fixture::new(1).await;
    let (proxy, ann) = through_proxy(&fixture).await;
    let read_only = Some(AccessMode::ReadOnly);

    for (isolation, sql) in [
        (None, "SELECT pg_notify('channel', 'x')"),
        (None, "SELECT set_config('audit.reason', 'x', true)"),
        (Some(IsolationLevel::Serializable), "SELECT 1"),
    ] {
        for streamed in [false, true] {
            let transaction = ann.begin_with_config(isolation, read_only).await.unwrap();
            let statement = Statement::from_string(DbBackend::Postgres, sql);

            if streamed {
                transaction
                    .stream_raw(statement)
                    .await
                    .unwrap()
                    .try_for_each(|_| async { Ok(()) })
                    .await
                    .unwrap();
            } else {
                transaction.query_all_raw(statement).await.unwrap();
            }

            task::Entity::find().all(&transaction).await.unwrap();
            transaction.commit().await.unwrap();
            assert!(
                proxy.counter().queries().any(|sql| sql == "COMMIT"),
                "{sql}"
            );
            proxy.reset();
        }
    }

    let writable = ann.begin().await.unwrap();
    task::Entity::find().all(&writable).await.unwrap();
    writable.commit().await.unwrap();
    assert!(
        proxy.counter().queries().any(|sql| sql == "COMMIT"),
        "the server would not refuse a misjudged write"
    );

    let failed = ann.begin_with_config(None, read_only).await.unwrap();
    assert!(new_task("refused").insert(&failed).await.is_err());

    let error = RlsError::from(failed.commit().await.unwrap_err());

    assert!(
        matches!(error, RlsError::TransactionFailed { .. }),
        "{error:?}"
    );
}
