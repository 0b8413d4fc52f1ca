//! Pools under exhaustion, kills, timeouts and close.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sea_orm::{
    ActiveModelTrait, ConnAcquireErr, ConnectOptions, ConnectionTrait, DbBackend, DbErr,
    EntityTrait, PaginatorTrait, Statement, TransactionTrait,
};
use sea_orm_rls::{RlsConnection, RlsError};
use testbed::Proxy;
use tokio::time::timeout;

use super::new_task;
use crate::fixture::{Fixture, entities, task};
use crate::schema::text;

pub(super) async fn kill_all(fixture: &Fixture) -> u64 {
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
        fixture.config.app_role()
    );

    let killed = fixture
        .owner
        .execute_unprepared(&kill)
        .await
        .unwrap()
        .rows_affected();

    tokio::time::sleep(Duration::from_millis(50)).await;
    killed
}

#[tokio::test]
async fn idle_connections_that_the_server_ended_are_replaced_unnoticed() {
    let fixture = Fixture::new(3).await;
    let ann = fixture.ann();
    let (one, two, three) = tokio::join!(ann.begin(), ann.begin(), ann.begin());

    drop((one.unwrap(), two.unwrap(), three.unwrap()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(kill_all(&fixture).await, 3);
    new_task("kept").insert(&fixture.ann()).await.unwrap();
    assert_eq!(task::Entity::find().count(&fixture.ann()).await.unwrap(), 1);
}

/// A statement that the server was told to end is not run again: it may have been ended on purpose.
#[tokio::test]
async fn statement_that_was_ended_is_not_run_again() {
    let fixture = Fixture::new(2).await;
    let create = "CREATE SEQUENCE runs; GRANT USAGE ON runs TO PUBLIC";
    fixture.owner.execute_unprepared(create).await.unwrap();

    let long = || {
        let sql = "SELECT nextval('runs'), pg_sleep(30)";
        Statement::from_string(DbBackend::Postgres, sql)
    };
    let killed = async {
        let ended = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE usename = '{}' AND state = 'active'",
            fixture.config.app_role()
        );
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let ended = fixture.owner.execute_unprepared(&ended).await.unwrap();
            if ended.rows_affected() > 0 {
                break;
            }
        }
    };

    let ann = fixture.ann();
    let (ran, ()) = tokio::join!(ann.query_all_raw(long()), killed);
    let error = RlsError::from(ran.unwrap_err());
    assert!(
        matches!(error, RlsError::ConnectionLost { .. }),
        "{error:?}"
    );

    let runs = text(&fixture.owner, "SELECT last_value::text FROM runs").await;
    assert_eq!(runs, "1");
}

/// Each stream gives its dead connection back before it takes another.
#[tokio::test]
async fn streams_on_dead_connections_do_not_wait_for_themselves() {
    let fixture = Fixture::new(2).await;
    new_task("kept").insert(&fixture.ann()).await.unwrap();
    let ann = fixture.ann();

    // Both connections exist and have prepared it.
    let read = async || {
        let rows = task::Entity::find().stream(&ann).await.unwrap();
        let rows: Vec<_> = rows.try_collect().await.unwrap();
        assert_eq!(rows.len(), 1);
    };
    tokio::join!(read(), read());
    tokio::join!(read(), read());
    kill_all(&fixture).await;

    let both = async { tokio::join!(read(), read()) };
    timeout(Duration::from_secs(5), both).await.unwrap();
}

/// limits.md: "futures dropped at any await".
#[tokio::test]
async fn connection_that_ends_within_a_transaction_is_an_error() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();
    new_task("lost").insert(&transaction).await.unwrap();
    kill_all(&fixture).await;

    let error = RlsError::from(new_task("lost").insert(&transaction).await.unwrap_err());
    assert!(
        matches!(error, RlsError::ConnectionLost { .. }),
        "{error:?}"
    );
    assert!(transaction.commit().await.is_err());

    assert_eq!(
        task::Entity::find().count(&fixture.ann()).await.unwrap(),
        0,
        "the pool has a new one"
    );
}

/// A pool of so many connections, through a proxy.
async fn through_proxy(
    fixture: &Fixture,
    connections: u32,
    acquire_timeout: Duration,
) -> (Proxy, RlsConnection) {
    let proxy = Proxy::to(testbed::server().unwrap()).start().unwrap();
    let app = fixture.config.app_role().as_str();
    let url = fixture
        .database
        .proxy_url_as(proxy.address(), app, "app password'\\");
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(acquire_timeout);
    let db = RlsConnection::connect_with(options, fixture.config.clone(), entities())
        .await
        .unwrap();

    (proxy, db)
}

/// FAULTS A23. A pooler between that has no server to give keeps a begin waiting, on any connection.
#[tokio::test]
async fn begin_that_is_kept_waiting_ends_with_the_time_to_acquire() {
    const PATIENCE: Duration = Duration::from_secs(1);
    let fixture = Fixture::new(1).await;
    let (proxy, db) = through_proxy(&fixture, 3, PATIENCE).await;
    let ann = db.scope(fixture.ann_context());
    let (one, two, three) = tokio::join!(ann.begin(), ann.begin(), ann.begin());
    drop((one.unwrap(), two.unwrap(), three.unwrap()));
    tokio::time::sleep(Duration::from_millis(50)).await;

    proxy.hold();
    let began = Instant::now();
    let error = ann.begin().await.unwrap_err();
    assert_eq!(error, DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
    assert!(began.elapsed() < PATIENCE * 2, "{:?}", began.elapsed());
    assert!(db.ping().await.is_err());

    proxy.release();
    ann.begin().await.unwrap().rollback().await.unwrap();
}

/// FAULTS A25. The caller's own timeout drops what waits for a server that is silently gone; its
/// connection then must not keep its place in the pool.
#[tokio::test]
async fn connection_that_died_silently_gives_its_place_back() {
    const PATIENCE: Duration = Duration::from_secs(1);
    let fixture = Fixture::new(1).await;
    let (proxy, db) = through_proxy(&fixture, 1, PATIENCE).await;
    let ann = db.scope(fixture.ann_context());
    let short = Duration::from_millis(100);

    for what in ["statement", "stream", "transaction", "commit", "check"] {
        let transaction = match what {
            "transaction" | "commit" => Some(ann.begin().await.unwrap()),
            _ => None,
        };

        // What was answered is back in the pool.
        tokio::time::sleep(short).await;
        proxy.strand();
        let left = match (what, transaction) {
            ("transaction", transaction) => {
                drop(transaction);
                None
            }
            (_, Some(transaction)) => timeout(short, transaction.commit()).await.ok().map(drop),
            ("statement", _) => timeout(short, task::Entity::find().all(&ann))
                .await
                .ok()
                .map(drop),
            ("stream", _) => {
                let mut rows = task::Entity::find().stream(&ann).await.unwrap();
                timeout(short, rows.try_next()).await.ok().map(drop)
            }
            _ => timeout(short, db.check_gate()).await.ok().map(drop),
        };
        assert!(left.is_none(), "{what} was answered");

        tokio::time::sleep(PATIENCE + short).await;
        let found = task::Entity::find().all(&ann).await;
        assert_eq!(found, Ok(Vec::new()), "{what}");
    }
}

/// The server acts, and its answer is lost.
#[tokio::test]
async fn answer_that_is_lost_leaves_the_outcome_unknown() {
    let fixture = Fixture::new(1).await;
    let (proxy, db) = through_proxy(&fixture, 1, Duration::from_secs(30)).await;
    let ann = db.scope(fixture.ann_context());

    let stored = async |rows: u64| {
        while task::Entity::find().count(&fixture.owner).await.unwrap() < rows {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }

        proxy.cut();
        proxy.release();
    };

    // It is prepared, and the connection is back in the pool.
    new_task("one").insert(&ann).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    proxy.hold_answers();
    let (alone, ()) = tokio::join!(new_task("two").insert(&ann), stored(2));
    let alone = RlsError::from(alone.unwrap_err());
    assert!(matches!(alone, RlsError::CommitUnknown { .. }), "{alone:?}");

    let transaction = ann.begin().await.unwrap();
    new_task("three").insert(&transaction).await.unwrap();
    proxy.hold_answers();
    let (commit, ()) = tokio::join!(transaction.commit(), stored(3));
    let commit = RlsError::from(commit.unwrap_err());
    assert!(
        matches!(commit, RlsError::CommitUnknown { .. }),
        "{commit:?}"
    );
}

#[tokio::test]
async fn commit_that_does_not_reach_the_server_is_no_commit() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();
    new_task("lost").insert(&transaction).await.unwrap();
    kill_all(&fixture).await;

    let error = RlsError::from(transaction.commit().await.unwrap_err());
    assert!(
        matches!(error, RlsError::ConnectionLost { .. }),
        "{error:?}"
    );
    assert_eq!(task::Entity::find().count(&fixture.ann()).await.unwrap(), 0);
}

#[tokio::test]
async fn exhausted_pool_is_seaorms_error() {
    let fixture = Fixture::with_options(1, |options| {
        options.acquire_timeout(Duration::from_secs(2));
    })
    .await;

    let held = fixture.ann().begin().await.unwrap();
    let error = task::Entity::find().all(&fixture.bob()).await.unwrap_err();
    assert_eq!(error, DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
    drop(held);

    assert!(
        task::Entity::find()
            .all(&fixture.bob())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn statement_timeout_fails_the_statement_and_idle_timeout_the_transaction() {
    let fixture = Fixture::with_options(1, |options| {
        options.statement_timeout(Duration::from_millis(200));
    })
    .await;

    let error = RlsError::from(
        fixture
            .ann()
            .execute_unprepared("SELECT pg_sleep(5)")
            .await
            .unwrap_err(),
    );

    assert_eq!(error.sqlstate().as_deref(), Some("57014"));

    let transaction = fixture.ann().begin().await.unwrap();
    transaction
        .execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 50")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    let error = RlsError::from(task::Entity::find().all(&transaction).await.unwrap_err());
    assert!(
        matches!(error, RlsError::ConnectionLost { .. }),
        "{error:?}"
    );

    // A19: the transaction is rolled back before its commit arrives, which is no unknown outcome.
    let transaction = fixture.ann().begin().await.unwrap();
    new_task("lost").insert(&transaction).await.unwrap();
    transaction
        .execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 50")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = RlsError::from(transaction.commit().await.unwrap_err());
    assert!(
        matches!(error, RlsError::ConnectionLost { .. }),
        "{error:?}"
    );

    assert!(
        task::Entity::find()
            .all(&fixture.ann())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn closed_connection_runs_nothing_more() {
    let fixture = Fixture::new(1).await;
    let ann = fixture.ann();
    fixture.db.clone().close().await;

    let error = task::Entity::find().all(&ann).await.unwrap_err();

    assert_eq!(
        error,
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)
    );
}

/// FAULTS B.
#[tokio::test]
async fn server_that_is_down_is_named_within_seconds() {
    let fixture = Fixture::new(1).await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);

    let url = format!("postgres://owner:secret@{address}/nowhere");
    let connecting = RlsConnection::connect_with(url, fixture.config.clone(), entities());
    let error = timeout(Duration::from_secs(20), connecting)
        .await
        .unwrap()
        .unwrap_err();

    assert!(matches!(error, RlsError::Unreachable { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains(&address.to_string()), "{said}");
    assert!(
        said.contains("refused") && !said.contains("secret"),
        "{said}"
    );
}
