//! Futures dropped at every await point, one point after the other.

use futures_util::StreamExt;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Statement,
    StreamTrait, TransactionTrait,
};
use sea_orm_rls::{RlsError, ScopedTransaction};

use super::{drop_after, new_task};
use crate::fixture::{Fixture, task};

/// More polls than any of the futures below takes to finish.
const ENOUGH: usize = 40;

/// The one connection of the pool goes to Bob, who must find nothing of Ann's.
async fn assert_clean(fixture: &Fixture, hers: u64) {
    assert_eq!(task::Entity::find().count(&fixture.bob()).await.unwrap(), 0);
    assert_eq!(
        task::Entity::find()
            .count(&fixture.db.anonymous())
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        task::Entity::find().count(&fixture.ann()).await.unwrap(),
        hers
    );

    let open = format!(
        "SELECT 1 FROM pg_stat_activity WHERE usename = '{}' AND state LIKE 'idle in transaction%'",
        fixture.config.app_role()
    );

    // The pool sends a queued rollback when the connection comes back to it, a moment after the
    // drop.
    for _ in 0..200 {
        let rows = fixture
            .owner
            .query_all_raw(Statement::from_string(DbBackend::Postgres, open.as_str()))
            .await
            .unwrap();

        if rows.is_empty() {
            return;
        }

        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }

    panic!("a transaction is left open");
}

/// Drops the future of a step at every await point it has, then checks; returns at how many points
/// it was dropped.
macro_rules! dropped_everywhere {
    ($fixture:ident, |$polls:ident| $step:expr) => {{
        let mut dropped = 0;
        for $polls in 0..ENOUGH {
            if $step {
                break;
            }
            dropped += 1;
            assert_clean(&$fixture, 1).await;
        }
        assert!((1..ENOUGH).contains(&dropped), "dropped {dropped} times");
    }};
}

#[tokio::test]
async fn dropped_read_leaves_nothing() {
    let fixture = Fixture::new(1).await;
    new_task("kept").insert(&fixture.ann()).await.unwrap();

    let ann = fixture.ann();

    dropped_everywhere!(fixture, |polls| drop_after(
        polls,
        task::Entity::find().all(&ann)
    )
    .await
    .is_some());
}

#[tokio::test]
async fn dropped_begin_leaves_nothing() {
    let fixture = Fixture::new(1).await;
    new_task("kept").insert(&fixture.ann()).await.unwrap();
    let ann = fixture.ann();

    dropped_everywhere!(fixture, |polls| drop_after(polls, ann.begin())
        .await
        .is_some());
}

/// limits.md: "futures dropped at any await".
#[tokio::test]
async fn dropped_statement_and_rollback_leave_nothing() {
    let fixture = Fixture::new(1).await;
    new_task("kept").insert(&fixture.ann()).await.unwrap();

    let ann = fixture.ann();
    dropped_everywhere!(fixture, |polls| {
        let transaction = ann.begin().await.unwrap();
        drop_after(polls, new_task("lost").insert(&transaction))
            .await
            .is_some()
    });

    dropped_everywhere!(fixture, |polls| {
        let transaction = ann.begin().await.unwrap();
        new_task("lost").insert(&transaction).await.unwrap();
        drop_after(polls, transaction.rollback()).await.is_some()
    });
}

#[tokio::test]
async fn dropped_stream_leaves_nothing() {
    let fixture = Fixture::new(1).await;
    new_task("kept").insert(&fixture.ann()).await.unwrap();

    let ann = fixture.ann();
    let many = || {
        Statement::from_string(
            DbBackend::Postgres,
            "SELECT * FROM task, generate_series(1, 5000)",
        )
    };

    dropped_everywhere!(fixture, |polls| {
        drop_after(polls, async {
            let mut rows = ann.stream_raw(many()).await.unwrap();
            rows.next().await.unwrap().unwrap();
        })
        .await
        .is_some()
    });

    let mut rows = ann.stream_raw(many()).await.unwrap();
    rows.next().await.unwrap().unwrap();
    drop(rows);
    assert_clean(&fixture, 1).await;
}

/// A nested begin dropped in plain sqlx rolls the outer transaction back, and its commit says Ok.
#[tokio::test]
async fn dropped_nested_begin_keeps_the_outer_transaction() {
    let fixture = Fixture::new(1).await;
    let mut expected = 0;

    for polls in 0..ENOUGH {
        let outer = fixture.ann().begin().await.unwrap();
        new_task("outer").insert(&outer).await.unwrap();

        let nested = drop_after(polls, outer.begin()).await;
        let finished = nested.is_some();
        drop(nested);
        new_task("after").insert(&outer).await.unwrap();
        outer.commit().await.unwrap();
        expected += 2;
        assert_clean(&fixture, expected).await;

        if finished {
            assert!(polls > 0);
            return;
        }
    }

    panic!("never finished");
}

/// Ends a nested transaction in one way, dropping that at every await point, and commits the outer
/// one.
async fn nested_ended_and_dropped(
    fixture: &Fixture,
    end: impl AsyncFn(ScopedTransaction, usize) -> bool,
    allowed_after_drop: &[u64],
    allowed_after_end: u64,
) {
    for polls in 0..ENOUGH {
        let before = task::Entity::find().count(&fixture.ann()).await.unwrap();
        let outer = fixture.ann().begin().await.unwrap();
        let nested = outer.begin().await.unwrap();

        new_task("nested").insert(&nested).await.unwrap();

        let finished = end(nested, polls).await;
        new_task("outer").insert(&outer).await.unwrap();
        outer.commit().await.unwrap();

        let added = task::Entity::find().count(&fixture.ann()).await.unwrap() - before - 1;
        if finished {
            assert_eq!(added, allowed_after_end);
            return;
        }

        assert!(
            allowed_after_drop.contains(&added),
            "{added} rows of a nested transaction dropped at {polls}"
        );
    }

    panic!("never finished");
}

#[tokio::test]
async fn dropped_nested_commit_and_rollback_keep_the_outer_transaction() {
    let fixture = Fixture::new(1).await;

    // Dropped in its commit, a nested transaction is kept or undone as a whole; nobody was told
    // which.
    let commit = async |nested: ScopedTransaction, polls| {
        drop_after(polls, nested.commit())
            .await
            .transpose()
            .unwrap()
            .is_some()
    };

    nested_ended_and_dropped(&fixture, commit, &[0, 1], 1).await;

    let rollback = async |nested: ScopedTransaction, polls| {
        drop_after(polls, nested.rollback())
            .await
            .transpose()
            .unwrap()
            .is_some()
    };

    nested_ended_and_dropped(&fixture, rollback, &[0], 0).await;
}

#[tokio::test]
async fn failure_of_a_dropped_statement_is_not_committed_over() {
    let fixture = Fixture::new(1).await;
    let mut failures = 0;

    for polls in 1..ENOUGH {
        let transaction = fixture.ann().begin().await.unwrap();
        new_task("lost").insert(&transaction).await.unwrap();

        let failing = Statement::from_string(
            DbBackend::Postgres,
            "SELECT 1 / (count(*) - count(*)) FROM task",
        );

        let finished = drop_after(polls, transaction.query_all_raw(failing))
            .await
            .is_some();
        let before = task::Entity::find().count(&fixture.owner).await.unwrap();

        match transaction.commit().await {
            // The statement was dropped before it was sent.
            Ok(()) => assert_eq!(
                task::Entity::find().count(&fixture.owner).await.unwrap(),
                before + 1
            ),
            Err(error) => {
                let error = RlsError::from(error);
                assert!(
                    matches!(error, RlsError::TransactionFailed { .. }),
                    "{error:?}"
                );
                assert_eq!(error.sqlstate().as_deref(), Some("22012"));
                assert_eq!(
                    task::Entity::find().count(&fixture.owner).await.unwrap(),
                    before
                );
                failures += 1;
            }
        }

        if finished {
            break;
        }
    }

    assert!(failures > 0);
}
