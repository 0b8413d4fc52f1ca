//! Connections rest, and their runtime or thread ends, or nobody runs it.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sea_orm::EntityTrait;
use sea_orm_rls::RlsConnection;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::rollback::{rollbacks, through_proxy};
use super::{Counted, read, soon};
use crate::fixture::{Fixture, task};

/// A runtime that nobody runs, so that nothing but the close can end the connection that rests on
/// it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_waits_for_no_connection_that_rests() {
    let fixture = Fixture::new(1).await;
    let rests = std::thread::spawn(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let counted = runtime.block_on(Counted::of(fixture, 1, None));
        (runtime, counted)
    });

    let (runtime, counted) = rests.join().unwrap();
    assert!(
        timeout(Duration::from_secs(10), counted.db.close())
            .await
            .is_ok()
    );
    runtime.shutdown_background();
}

/// Who looks after those that rest does so in the runtime of the first that rested.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rollback_waits_for_no_other_runtime() {
    let fixture = Fixture::new(1).await;

    // The one connection is this runtime's, whoever uses it.
    let (proxy, db) = through_proxy(&fixture, 1).await;
    let ann = db.scope(fixture.ann_context());
    let stopped = std::thread::spawn({
        let ann = ann.clone();
        move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(read(&ann));
            runtime
        }
    });

    let stopped = stopped.join().unwrap();
    proxy.reset();
    read(&ann).await;

    let alone = |flights: Vec<String>| flights.iter().any(|flight| flight == "Q ROLLBACK");
    assert!(soon(async || alone(rollbacks(&proxy))).await);
    stopped.shutdown_background();
}

#[tokio::test]
async fn connection_that_rests_outlives_its_runtime() {
    let fixture = Fixture::new(1).await;
    let ended = std::thread::spawn(|| {
        Runtime::new()
            .unwrap()
            .block_on(Counted::of(fixture, 1, None))
    });

    let counted = ended.join().unwrap();
    let ann = counted.ann();

    for _ in 0..10 {
        // The first ones may find that theirs is of no use any more.
        let _ = task::Entity::find().all(&ann).await;
        if soon(async || counted.released() > 0).await {
            return;
        }
    }

    panic!("whoever looked after those that rest ended with that runtime, and nobody else does");
}

#[tokio::test]
async fn connection_that_rests_is_dropped_where_no_runtime_is() {
    let fixture = Fixture::new(1).await;
    let dropped = std::thread::spawn(|| {
        let runtime = Runtime::new().unwrap();
        let counted = runtime.block_on(Counted::of(fixture, 1, None));
        drop(counted.db);
        runtime.block_on(async {
            assert!(soon(async || counted.released.load(Ordering::Relaxed) > 0).await);
        });
    });

    assert!(dropped.join().is_ok());
}

#[test]
fn connection_that_rests_outlives_its_thread() {
    thread_local! {
        static DB: RefCell<Option<RlsConnection>> = const { RefCell::new(None) };
    }

    let dropped = std::thread::spawn(|| {
        // Destroyed after all that the runtime keeps in its thread.
        DB.with_borrow_mut(|db| *db = None);

        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let db = runtime.block_on(async {
            let fixture = Fixture::new(1).await;
            read(&fixture.ann()).await;
            fixture.db.clone()
        });

        DB.with_borrow_mut(|none| *none = Some(db));
    });

    assert!(dropped.join().is_ok());
}
