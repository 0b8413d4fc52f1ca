//! The rollback of what was read travels with the next begin, or soon.

use std::sync::Arc;

use sea_orm::{AccessMode, ConnectOptions, EntityTrait, TransactionTrait};
use sea_orm_rls::RlsConnection;
use testbed::Proxy;

use super::{read, soon};
use crate::fixture::{Fixture, entities, task};

/// Through a recording proxy.
pub(super) async fn through_proxy(
    fixture: &Fixture,
    connections: u32,
) -> (Arc<Proxy>, RlsConnection) {
    let proxy = Arc::new(
        Proxy::to(testbed::server().unwrap())
            .recording()
            .start()
            .unwrap(),
    );

    let app = fixture.config.app_role().as_str();
    let mut options = ConnectOptions::new(fixture.database.proxy_url_as(
        proxy.address(),
        app,
        "app password'\\",
    ));

    options.max_connections(connections);

    let db = RlsConnection::connect_with(options, fixture.config.clone(), entities())
        .await
        .unwrap();
    (proxy, db)
}

pub(super) fn rollbacks(proxy: &Proxy) -> Vec<String> {
    let flights: Vec<_> = proxy
        .counter()
        .flights()
        .iter()
        .map(ToString::to_string)
        .collect();

    flights
        .into_iter()
        .filter(|flight| flight.contains("ROLLBACK"))
        .collect()
}

#[tokio::test]
async fn rollback_is_sent_soon_and_waited_for_by_nobody() {
    let fixture = Fixture::new(1).await;
    let (proxy, mut db) = through_proxy(&fixture, 1).await;
    let hold = Arc::clone(&proxy);

    // Called when the statement has its answer, before its transaction ends.
    db.set_metric_callback(move |_| hold.hold_answers());

    let ann = db.scope(fixture.ann_context());
    let read_only = Some(AccessMode::ReadOnly);

    for end in ["read", "commit", "closure"] {
        proxy.reset();
        match end {
            "read" => read(&ann).await,
            "commit" => {
                let reads = ann.begin_with_config(None, read_only).await.unwrap();
                task::Entity::find().all(&reads).await.unwrap();
                reads.commit().await.unwrap();
            }
            _ => {
                ann.transaction_with_config(
                    |reads| Box::pin(task::Entity::find().all(reads)),
                    None,
                    read_only,
                )
                .await
                .unwrap();
            }
        }

        assert!(soon(async || !rollbacks(&proxy).is_empty()).await, "{end}");

        // The pool would have asked for an answer with it.
        assert_eq!(rollbacks(&proxy), ["Q ROLLBACK"], "{end}");
        proxy.release();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rollback_travels_with_the_next_begin() {
    const READS: usize = 50;

    let fixture = Fixture::new(1).await;
    let (proxy, db) = through_proxy(&fixture, 1).await;
    let ann = db.scope(fixture.ann_context());

    read(&ann).await;
    proxy.reset();
    for _ in 0..READS {
        read(&ann).await;
    }

    let joined = rollbacks(&proxy)
        .iter()
        .filter(|flight| flight.contains("BEGIN"))
        .count();

    assert!(joined > READS / 2, "{joined}");
}
