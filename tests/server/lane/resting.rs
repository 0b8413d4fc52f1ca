//! Connections rest between two transactions, and the pool gets them back.

mod rollback;
mod runtime;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::{ConnectOptions, ConnectionTrait, EntityTrait, TransactionTrait};
use sea_orm_rls::context::Settings;
use sea_orm_rls::{RlsConnection, ScopedConnection};
use tokio::time::timeout;

use crate::fixture::{Fixture, entities, task};

async fn read(db: &ScopedConnection) {
    task::Entity::find().all(db).await.unwrap();
}

/// Polls for what comes soon.
async fn soon(mut come: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..100 {
        if come().await {
            return true;
        }

        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    false
}

/// A connection through a pool of `connections`, which counts those that it gets back and those
/// that it opens.
struct Counted {
    fixture: Fixture,
    db: RlsConnection,
    released: Arc<AtomicUsize>,
    opened: Arc<AtomicUsize>,
}

impl Counted {
    async fn new(connections: u32, keep: Option<Duration>) -> Self {
        Self::of(Fixture::new(1).await, connections, keep).await
    }

    async fn of(fixture: Fixture, connections: u32, keep: Option<Duration>) -> Self {
        let (released, opened) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (back, new) = (Arc::clone(&released), Arc::clone(&opened));
        let mut options = ConnectOptions::new(fixture.database.url());

        options
            .max_connections(connections)
            .map_sqlx_postgres_pool_opts(move |pool| {
                let (back, new) = (Arc::clone(&back), Arc::clone(&new));
                let pool = pool.after_connect(move |_, _| {
                    new.fetch_add(1, Ordering::Relaxed);
                    Box::pin(async { Ok(()) })
                });

                pool.after_release(move |_, _| {
                    back.fetch_add(1, Ordering::Relaxed);
                    Box::pin(async { Ok(true) })
                })
            });

        let config = match keep {
            Some(keep) => fixture.config.clone().keep_connections(keep),
            None => fixture.config.clone(),
        };

        let db = RlsConnection::connect_with(options, config, entities())
            .await
            .unwrap();
        let counted = Self {
            fixture,
            db,
            released,
            opened,
        };

        // Of a pool of one, what the start took is back.
        read(&counted.ann()).await;
        counted.released.store(0, Ordering::Relaxed);

        counted
    }

    fn ann(&self) -> ScopedConnection {
        self.db.scope(self.fixture.ann_context())
    }

    fn released(&self) -> usize {
        self.released.load(Ordering::Relaxed)
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn connection_rests_between_reads_and_goes_back_to_the_pool() {
    for streamed in [false, true] {
        let counted = Counted::new(1, None).await;
        let ann = counted.ann();

        for _ in 0..50 {
            if streamed {
                let rows = task::Entity::find().stream(&ann).await.unwrap();
                assert_eq!(rows.count().await, 0);
            } else {
                read(&ann).await;
            }
        }

        let between = counted.released();
        assert!(between <= 25, "{between}");

        assert!(
            soon(async || counted.released() > between).await,
            "it goes back"
        );
    }
}

#[tokio::test]
async fn connection_goes_back_after_each_transaction_where_told() {
    let counted = Counted::new(1, Some(Duration::ZERO)).await;
    for _ in 0..20 {
        read(&counted.ann()).await;
    }

    assert!(soon(async || counted.released() >= 20).await);
}

#[tokio::test]
async fn connection_that_was_kept_for_its_time_is_not_taken_again() {
    let counted = Counted::new(1, Some(Duration::from_millis(50))).await;
    read(&counted.ann()).await;

    // Nothing else runs meanwhile, or the pool would have got it already.
    std::thread::sleep(Duration::from_millis(60));
    read(&counted.ann()).await;
    assert!(counted.released() > 0);
}

/// Takes four connections, which rest then.
async fn all_rest(db: &ScopedConnection) {
    let begun = tokio::join!(db.begin(), db.begin(), db.begin(), db.begin());
    for transaction in [begun.0, begun.1, begun.2, begun.3] {
        transaction.unwrap().commit().await.unwrap();
    }
}

#[tokio::test]
async fn connections_that_nobody_wants_go_back_while_another_is_busy() {
    let counted = Counted::new(4, Some(Duration::MAX)).await;
    let ann = counted.ann();
    all_rest(&ann).await;

    let busy = async {
        while counted.released() < 3 {
            read(&ann).await;
        }
    };

    assert!(timeout(Duration::from_secs(10), busy).await.is_ok());
}

#[tokio::test]
async fn refused_begin_costs_no_other_connection() {
    let fixture = Fixture::new(1).await;

    // Loaded at login, it checks its settings.
    let preload = format!(
        "ALTER ROLE \"{}\" SET session_preload_libraries = 'plpgsql'",
        fixture.config.app_role()
    );

    fixture.owner.execute_unprepared(&preload).await.unwrap();

    let counted = Counted::of(fixture, 4, None).await;
    let ann = counted.ann();
    all_rest(&ann).await;

    let opened = counted.opened();
    let wrong = Settings::new()
        .with("plpgsql.variable_conflict", "nonsense")
        .unwrap();
    assert!(
        task::Entity::find()
            .all(&counted.db.scope(wrong))
            .await
            .is_err()
    );
    all_rest(&ann).await;

    assert!(
        counted.opened() <= opened + 1,
        "{} after {opened}",
        counted.opened()
    );
}

#[tokio::test]
async fn connections_that_the_server_ended_while_they_rested_are_replaced_unnoticed() {
    let fixture = Fixture::new(3).await;
    let ann = fixture.ann();
    tokio::join!(read(&ann), read(&ann), read(&ann));

    let app = fixture.config.app_role();
    let kill = format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{app}'"
    );
    fixture.owner.execute_unprepared(&kill).await.unwrap();
    tokio::join!(read(&ann), read(&ann), read(&ann));
}

#[tokio::test]
async fn who_waits_gets_the_connection_next() {
    // One may answer many times before the other is looked at.
    const READS: usize = 300;

    let fixture = Fixture::new(1).await;
    let (done, others) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );

    let busy = tokio::spawn({
        let (ann, done, others) = (fixture.ann(), Arc::clone(&done), Arc::clone(&others));
        async move {
            while !done.load(Ordering::Relaxed) {
                read(&ann).await;
                others.fetch_add(1, Ordering::Relaxed);
            }
        }
    });

    let bob = fixture.bob();
    for _ in 0..READS {
        read(&bob).await;
    }

    let others = others.load(Ordering::Relaxed);
    done.store(true, Ordering::Relaxed);
    busy.await.unwrap();
    assert!(
        others < READS * 4,
        "{others} reads of another while {READS} waited"
    );

    assert!(
        others > READS / 4,
        "{others} reads of another, who waits as well"
    );
}
