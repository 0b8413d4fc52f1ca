//! What SeaORM's metric callback hears.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::{
    ActiveModelTrait, DbBackend, EntityTrait, PaginatorTrait, Statement, StreamTrait,
    TransactionTrait,
};

use super::new_task;
use crate::fixture::{Fixture, task};

#[derive(Debug, PartialEq)]
struct Heard {
    sql: String,
    failed: bool,
    elapsed: Duration,
}

type Ear = Arc<Mutex<Vec<Heard>>>;

fn listen(fixture: &mut Fixture) -> Ear {
    let ear = Ear::default();
    let listener = Arc::clone(&ear);
    fixture.db.set_metric_callback(move |info| {
        let heard = Heard {
            sql: info.statement.sql.clone(),
            failed: info.failed,
            elapsed: info.elapsed,
        };
        listener.lock().unwrap().push(heard);
    });

    ear
}

fn take(ear: &Ear) -> Vec<Heard> {
    std::mem::take(&mut *ear.lock().unwrap())
}

#[tokio::test]
async fn metric_callback_hears_of_each_statement() {
    let mut fixture = Fixture::new(1).await;
    let ear = listen(&mut fixture);
    task::Entity::find().count(&fixture.ann()).await.unwrap();

    let transaction = fixture.ann().begin().await.unwrap();
    new_task("t").insert(&transaction).await.unwrap();
    transaction.commit().await.unwrap();

    let heard = take(&ear);
    assert_eq!(
        heard.iter().map(|heard| heard.failed).collect::<Vec<_>>(),
        [false, false]
    );

    assert!(
        heard[0].sql.starts_with("SELECT") && heard[1].sql.starts_with("INSERT"),
        "{heard:?}"
    );
}

const PAUSE: Duration = Duration::from_millis(20);

/// Reads so many rows, pausing after each.
async fn read(db: &impl StreamTrait, sql: &str, rows: usize) {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let mut stream = Box::pin(db.stream_raw(statement).await.unwrap());

    for _ in 0..rows {
        let _failed = stream.next().await;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hears_of_streams(db: &impl StreamTrait, ear: &Ear) {
    read(db, "SELECT generate_series(1, 2)", 3).await;

    let [ended] = &take(ear)[..] else {
        panic!("once")
    };
    assert!(
        !ended.failed && ended.elapsed >= 2 * PAUSE && ended.sql.ends_with("(1, 2)"),
        "{ended:?}"
    );
    read(db, "SELECT generate_series(1, 9)", 1).await;

    let [dropped] = &take(ear)[..] else {
        panic!("once")
    };
    assert!(!dropped.failed && dropped.elapsed >= PAUSE, "{dropped:?}");
    read(db, "SELECT 1 / (2 - n) FROM generate_series(1, 2) n", 3).await;

    let [failed] = &take(ear)[..] else {
        panic!("once")
    };
    assert!(failed.failed, "{failed:?}");
}

#[tokio::test]
async fn metric_callback_hears_of_streams_when_they_end_fail_or_are_dropped() {
    let mut fixture = Fixture::new(1).await;
    let ear = listen(&mut fixture);
    hears_of_streams(&fixture.ann(), &ear).await;
    hears_of_streams(&fixture.ann().begin().await.unwrap(), &ear).await;
}
