//! Twenty thousand futures dropped at random points, several users on a small pool, the server
//! killing connections: nobody sees another's row, no connection keeps a context, and what was said
//! of a commit is true.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use sea_orm::sqlx::{self, Row};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, QuerySelect, StreamTrait,
    TransactionTrait,
};
use sea_orm_rls::{RlsError, ScopedConnection, UserContext};
use uuid::Uuid;

use super::{drop_after, new_task};
use crate::fixture::{Fixture, task};

const DROPS: usize = 20_000;
const TASKS: usize = 4;
const CONNECTIONS: u32 = 3;
const USERS: usize = 4;

/// The fixture's password after one round instead of 4096, so that a test of lost connections is
/// not one of logins.
const VERIFIER: &str = "SCRAM-SHA-256$1:ZnV6ei1zYWx0LTE2Ynl0ZQ==$AteJtdMjCYq1vQnrrhH2WGoNR2SGAuYHBSw5+c8MAV4=:bMsqvSOzpGlHvnjPm55pV1O2ALJnKA97Zk4swPg4APE=";

/// A small generator of its own, so that a failure can be run again from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;

        self.0 % end
    }
}

/// What is known of the rows that were written.
#[derive(Default)]
struct Ledger {
    stored: HashSet<Uuid>,
    absent: HashSet<Uuid>,
}

#[derive(Default)]
struct Counts {
    dropped: AtomicUsize,
    finished: AtomicUsize,
    lost: AtomicUsize,
}

/// limits.md: "futures dropped at any await".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_drop_leaks_a_row_a_context_or_a_lie() {
    let leaks = Arc::new(AtomicUsize::new(0));
    let found = Arc::clone(&leaks);
    let looks = Arc::new(AtomicUsize::new(0));
    let looked = Arc::clone(&looks);
    let connects = Arc::new(AtomicUsize::new(0));
    let connected = Arc::clone(&connects);
    let fixture = Fixture::with_options(CONNECTIONS, move |options| {
        // Opened in the background too: a future dropped while it logs in gives the pool nothing.
        options
            .min_connections(CONNECTIONS)
            .map_sqlx_postgres_pool_opts(move |pool| {
                let connected = Arc::clone(&connected);
                pool.after_connect(move |_, _| {
                    connected.fetch_add(1, Ordering::Relaxed);
                    Box::pin(async { Ok(()) })
                })
            });

        // Called with each idle connection of the pool before it is given out: if anything was
        // dropped, it was there.
        options.map_sqlx_postgres_before_acquire(move |connection, _| {
            let found = Arc::clone(&found);
            looked.fetch_add(1, Ordering::Relaxed);

            Box::pin(async move {
                // One simple message, whose time is its transaction's start unless one is open
                // already.
                let state = "SELECT coalesce(current_setting('app.user_id', true), '') = ''
                             AND now() = statement_timestamp()";
                let clean: bool = sqlx::raw_sql(state)
                    .fetch_one(connection)
                    .await?
                    .try_get(0)?;

                found.fetch_add(usize::from(!clean), Ordering::Relaxed);
                Ok(true)
            })
        });
    })
    .await;

    let cheap = format!(
        "ALTER ROLE \"{}\" PASSWORD '{VERIFIER}'",
        fixture.config.app_role()
    );

    fixture.owner.execute_unprepared(&cheap).await.unwrap();

    let users: Vec<Uuid> = (0..USERS).map(|_| Uuid::new_v4()).collect();
    for (n, id) in users.iter().enumerate() {
        fixture.insert_user(*id, &format!("u{n}@example.org")).await;
    }

    let counts = Arc::new(Counts::default());
    let started = std::time::Instant::now();
    let workers: Vec<_> = (0..TASKS)
        .map(|n| {
            let (db, users, counts) = (fixture.db.clone(), users.clone(), Arc::clone(&counts));
            tokio::spawn(async move {
                let mut random = Random(0x9e37_79b9 + n as u64);
                let mut ledger = Ledger::default();

                while counts.dropped.load(Ordering::Relaxed) < DROPS {
                    let user = users[usize::try_from(random.below(USERS as u64)).unwrap()];
                    let scoped = db.scope(UserContext::new(user));
                    play(&scoped, user, &mut random, &mut ledger, &counts).await;
                }

                ledger
            })
        })
        .collect();

    let done = Arc::new(AtomicBool::new(false));
    let kills = tokio::spawn(kill_now_and_then(
        fixture.owner.clone(),
        fixture.config.app_role().to_string(),
        Arc::clone(&done),
    ));

    let mut ledgers = Vec::new();
    for worker in workers {
        ledgers.push(worker.await.unwrap());
    }

    done.store(true, Ordering::Relaxed);

    let killed = kills.await.unwrap();

    let (said_stored, said_absent) = compare(&fixture, &ledgers).await;
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "{} dropped, {} finished, {} lost in {:.1} s; {killed} connections killed, {} opened, {} \
         times looked at one; \
         {said_stored} rows said to be stored, {said_absent} absent",
        count(&counts.dropped),
        count(&counts.finished),
        count(&counts.lost),
        started.elapsed().as_secs_f64(),
        count(&connects),
        count(&looks),
    );
    assert_eq!(
        count(&leaks),
        0,
        "contexts or transactions found on idle connections"
    );
    assert!(said_stored > 100 && said_absent > 100 && killed > 0);
}

/// Compares what was said with the table; the rows said to be stored, and to be absent.
async fn compare(fixture: &Fixture, ledgers: &[Ledger]) -> (usize, usize) {
    let rows = task::Entity::find().all(&fixture.owner).await.unwrap();
    let stored: HashSet<Uuid> = rows.iter().map(|task| task.id).collect();
    let (mut said_stored, mut said_absent) = (0, 0);

    for ledger in ledgers {
        assert!(
            ledger.stored.is_subset(&stored),
            "an Ok commit is not in the table"
        );
        assert!(
            ledger.absent.is_disjoint(&stored),
            "an Err commit is in the table"
        );
        said_stored += ledger.stored.len();
        said_absent += ledger.absent.len();
    }

    (said_stored, said_absent)
}

/// One scene, dropped after a random number of polls.
async fn play(
    db: &ScopedConnection,
    user: Uuid,
    random: &mut Random,
    ledger: &mut Ledger,
    counts: &Counts,
) {
    // A statement takes two or three polls, a whole transaction of these some twenty.
    let polls = match random.below(20) {
        0 => usize::MAX,
        1..6 => usize::try_from(1 + random.below(20)).unwrap(),
        _ => usize::try_from(1 + random.below(4)).unwrap(),
    };

    let committing = AtomicBool::new(false);
    let (first, second) = (new_task("first"), new_task("second"));
    let ids = [first.id.clone().unwrap(), second.id.clone().unwrap()];
    let undo_second = random.below(2) == 0;
    let scene = random.below(5);
    let result = drop_after(polls, async {
        match scene {
            0 => read(db, user).await.map(|()| false),
            1 => stream(db, user).await.map(|()| false),
            2 => {
                committing.store(true, Ordering::Relaxed);
                first.insert(db).await.map(|_| true)
            }
            _ => {
                let transaction = db.begin().await?;
                first.insert(&transaction).await?;
                read(&transaction, user).await?;

                let nested = transaction.begin().await?;
                second.insert(&nested).await?;

                if undo_second {
                    drop(nested);
                } else {
                    nested.commit().await?;
                }

                if scene == 4 {
                    stream(&transaction, user).await?;
                    let _failed = transaction.execute_unprepared("SELECT 1 / 0").await;
                }

                committing.store(true, Ordering::Relaxed);
                transaction.commit().await.map(|()| true)
            }
        }
    })
    .await;

    let told = match &result {
        None => {
            counts.dropped.fetch_add(1, Ordering::Relaxed);
            (!committing.load(Ordering::Relaxed)).then_some(false)
        }
        Some(Ok(stored)) => {
            counts.finished.fetch_add(1, Ordering::Relaxed);
            assert!(scene != 4, "a failed transaction was committed");
            Some(*stored)
        }
        Some(Err(error)) => told_by(error, scene, counts),
    };

    let [first, second] = ids;

    match told {
        Some(true) => {
            ledger.stored.insert(first);
            if scene == 3 && !undo_second {
                ledger.stored.insert(second);
            } else {
                ledger.absent.insert(second);
            }
        }
        Some(false) => ledger.absent.extend([first, second]),
        None => {}
    }
}

/// What an error says of the rows: nothing was stored, or it is not known.
fn told_by(error: &DbErr, scene: u64, counts: &Counts) -> Option<bool> {
    match RlsError::from(error) {
        RlsError::CommitUnknown { .. } => {
            counts.lost.fetch_add(1, Ordering::Relaxed);
            None
        }
        RlsError::ConnectionLost { .. } | RlsError::ScopeLost { .. } => {
            counts.lost.fetch_add(1, Ordering::Relaxed);
            Some(false)
        }
        RlsError::TransactionFailed { .. } if scene == 4 => {
            counts.finished.fetch_add(1, Ordering::Relaxed);
            Some(false)
        }
        other => panic!("scene {scene}: {other:?}"),
    }
}

async fn read(db: &impl ConnectionTrait, user: Uuid) -> Result<(), DbErr> {
    let tasks = task::Entity::find().limit(20).all(db).await?;
    assert!(
        tasks.iter().all(|task| task.owner_id == user),
        "another user's row is seen"
    );
    Ok(())
}

/// Reads some rows and drops the stream.
async fn stream(db: &(impl ConnectionTrait + StreamTrait), user: Uuid) -> Result<(), DbErr> {
    let mut rows = task::Entity::find().limit(20).stream(db).await?;
    for _ in 0..3 {
        match rows.next().await {
            Some(task) => assert_eq!(task?.owner_id, user, "another user's row is seen"),
            None => break,
        }
    }

    Ok(())
}

async fn kill_now_and_then(
    owner: sea_orm::DatabaseConnection,
    role: String,
    done: Arc<AtomicBool>,
) -> u64 {
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE usename = \
         '{role}'
         ORDER BY random() LIMIT 1) victim"
    );

    let mut killed = 0;
    while !done.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(40)).await;
        killed += owner
            .execute_unprepared(&kill)
            .await
            .unwrap()
            .rows_affected();
    }

    killed
}
