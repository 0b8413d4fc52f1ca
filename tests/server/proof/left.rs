//! Nothing stays of a proof, however it ends, and two do not disturb each other.

use std::time::{Duration, Instant};

use rls_core::testing::IsolationProof;

use super::shop::{Shop, open_ticket};
use crate::fixture::{Fixture, entities};

/// Sessions of this database that are in a transaction, or hold locks for one.
const OPEN: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";

async fn assert_nothing_is_open(shop: &Shop) {
    for _ in 0..100 {
        if shop.number(OPEN).await == 0 {
            return;
        }

        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    panic!("a transaction is left open");
}

#[tokio::test]
async fn nothing_is_left_behind_by_a_proof_that_fails() {
    let shop = Shop::new().await;
    let before = shop.counts().await;
    shop.run(
        "DROP POLICY sample_guard ON sample; ALTER POLICY sample_owner_delete ON sample USING \
              (true)",
    )
    .await;
    assert!(!shop.prove().await.unwrap().is_isolated());
    assert_eq!(shop.counts().await, before);
    assert_nothing_is_open(&shop).await;
}

#[tokio::test]
async fn nothing_is_left_behind_by_a_proof_that_is_dropped() {
    let shop = Shop::new().await;
    let before = shop.counts().await;

    // The first proof also opens connections; the next two tell how long one takes.
    shop.prove().await.unwrap().assert_isolated();
    let mut whole = Duration::MAX;
    for _ in 0..2 {
        let started = Instant::now();
        shop.prove().await.unwrap().assert_isolated();
        whole = whole.min(started.elapsed());
    }

    for part in [50, 20, 8, 5, 4] {
        let dropped = tokio::time::timeout(whole / part, shop.prove()).await;
        assert!(dropped.is_err(), "it was done before it was dropped");
    }

    assert_nothing_is_open(&shop).await;
    assert_eq!(shop.counts().await, before);
    shop.prove().await.unwrap().assert_isolated();
}

#[tokio::test]
async fn nothing_is_left_behind_by_a_hook_that_panics() {
    let shop = std::sync::Arc::new(Shop::new().await);
    let before = shop.counts().await;
    let in_task = std::sync::Arc::clone(&shop);
    let panicked = tokio::spawn(async move {
        let proof = in_task.proof_without_rows().rows(|row| {
            assert!(row.number() < 0, "as a hook of a test may");
            open_ticket()
        });
        proof.run(&in_task.owner, &in_task.db).await.map(drop)
    });

    assert!(panicked.await.unwrap_err().is_panic());
    assert_nothing_is_open(&shop).await;
    assert_eq!(shop.counts().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_proofs_run_at_once() {
    let fixture = Fixture::new(5).await;
    let entities = entities();
    let prove = || async {
        IsolationProof::new(&entities)
            .run(&fixture.owner, &fixture.db)
            .await
            .unwrap()
    };

    let (one, two) = tokio::join!(prove(), prove());
    one.assert_isolated();
    two.assert_isolated();
}
