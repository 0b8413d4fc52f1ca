//! Load with drops: many tasks of several users, whose futures are dropped at random points. What
//! was said of each row is compared with the table.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sea_orm::sqlx::{self, PgPool};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, QuerySelect, TransactionTrait,
};
use sea_orm_rls::{RlsConnection, RlsError, ScopedConnection, UserContext};
use tokio::time::timeout;
use uuid::Uuid;

use crate::drop_after::drop_after;
use crate::fixture::task;
use crate::rows::new_task;

const TASKS: u64 = 32;

/// A client waits so long after an error before it tries again.
const RETRY: Duration = Duration::from_millis(20);

/// Nothing takes so long unless it hangs.
const HANGS: Duration = Duration::from_mins(1);

/// What happened, of all tasks.
#[derive(Default)]
pub struct Outcome {
    pub finished: usize,
    pub dropped: usize,
    pub foreign: usize,
    pub hung: usize,
    /// Rows that were said to be stored.
    stored: HashSet<Uuid>,
    /// Rows that were said not to be.
    absent: HashSet<Uuid>,
    /// How often each error was returned.
    pub errors: BTreeMap<String, usize>,
    /// When something was answered without an error.
    successes: Vec<Instant>,
    /// Said to be stored, and not in the table.
    pub lost: usize,
    /// Said not to be stored, and in the table.
    pub wrong: usize,
}

/// Runs the load for so long, or until `over` says so.
pub async fn run(db: &RlsConnection, users: &[Uuid], over: &AtomicBool) -> Outcome {
    let tasks = (0..TASKS).map(|seed| {
        let (db, users) = (db.clone(), users.to_vec());
        let mut random = StdRng::seed_from_u64(seed);
        async move {
            let mut outcome = Outcome::default();
            while !over.load(Ordering::Relaxed) {
                let user = users[random.random_range(0..users.len())];
                let scope = db.scope(UserContext::new(user));
                outcome.scene(&scope, user, &mut random).await;
            }
            outcome
        }
    });

    let mut all = Outcome::default();
    for outcome in join_all(tasks).await {
        all.add(outcome);
    }

    all
}

impl Outcome {
    /// A statement or a transaction, dropped after a random number of polls, or not.
    async fn scene(&mut self, db: &ScopedConnection, user: Uuid, random: &mut StdRng) {
        let polls = match random.random_range(0..10) {
            0..7 => usize::MAX,
            _ => random.random_range(1..12),
        };
        let rows = [new_task("first"), new_task("second")];
        let ids = rows.each_ref().map(|row| row.id.clone().unwrap());
        let committing = AtomicBool::new(false);
        let kind = random.random_range(0..6);

        let scene = drop_after(polls, play(db, user, kind, rows, &committing));
        let told = match timeout(HANGS, scene).await {
            Err(_) => {
                self.hung += 1;
                None
            }
            Ok(None) => {
                self.dropped += 1;
                (!committing.load(Ordering::Relaxed)).then_some(Vec::new())
            }
            Ok(Some(Ok(seen))) => {
                self.finished += 1;
                self.foreign += seen.foreign;
                self.successes.push(Instant::now());
                Some(ids[..seen.stored].to_vec())
            }
            Ok(Some(Err(error))) => {
                tokio::time::sleep(RETRY).await;
                self.told_by(&error)
            }
        };

        if let Some(stored) = told {
            self.absent
                .extend(ids.into_iter().filter(|id| !stored.contains(id)));
            self.stored.extend(stored);
        }
    }

    /// Nothing was stored, unless it is not known.
    fn told_by(&mut self, error: &DbErr) -> Option<Vec<Uuid>> {
        let error = RlsError::from(error);
        let kind = kind(&error);
        *self.errors.entry(kind).or_default() += 1;
        (!matches!(error, RlsError::CommitUnknown { .. })).then(Vec::new)
    }

    fn add(&mut self, other: Self) {
        self.finished += other.finished;
        self.dropped += other.dropped;
        self.foreign += other.foreign;
        self.hung += other.hung;
        self.stored.extend(other.stored);
        self.absent.extend(other.absent);
        self.successes.extend(other.successes);
        for (kind, count) in other.errors {
            *self.errors.entry(kind).or_default() += count;
        }
    }

    /// Compares what was said with the table, as its owner sees it.
    pub async fn compare(&mut self, owner: &PgPool) {
        let rows = sqlx::query_scalar("SELECT id FROM task");
        let rows: HashSet<Uuid> = rows.fetch_all(owner).await.unwrap().into_iter().collect();
        self.lost = self.stored.difference(&rows).count();
        self.wrong = self.absent.intersection(&rows).count();
    }

    /// The longest time without an answer that is no error.
    pub fn longest_pause(&mut self) -> Duration {
        self.successes.sort();
        let pauses = self.successes.windows(2).map(|two| two[1] - two[0]);
        pauses.max().unwrap_or_default()
    }

    /// Why the load did not pass.
    pub fn faults(&self) -> Vec<String> {
        let named = [
            (self.foreign, "foreign rows"),
            (self.lost, "lost rows"),
            (self.wrong, "rows stored that were said not to be"),
            (self.hung, "hung tasks"),
        ];
        let few = self.stored.len() < 100 || self.dropped < 100;
        let mut faults: Vec<_> = named
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        faults.extend(few.then(|| "too few rows or drops to tell".to_owned()));
        faults
    }

    pub fn summary(&self) -> String {
        let errors = self
            .errors
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"));
        let errors: Vec<_> = errors.collect();
        format!(
            "{} finished, {} dropped, {} rows said to be stored, {} not; {} foreign, {} lost, {} \
             wrong, {} hung; errors: {}",
            self.finished,
            self.dropped,
            self.stored.len(),
            self.absent.len(),
            self.foreign,
            self.lost,
            self.wrong,
            self.hung,
            if errors.is_empty() {
                "none".to_owned()
            } else {
                errors.join(", ")
            },
        )
    }
}

/// What a scene saw, and how many of its rows it stored.
struct Seen {
    foreign: usize,
    stored: usize,
}

async fn play(
    db: &ScopedConnection,
    user: Uuid,
    kind: u8,
    rows: [task::ActiveModel; 2],
    committing: &AtomicBool,
) -> Result<Seen, DbErr> {
    let [first, second] = rows;
    if kind < 2 {
        let foreign = foreign_rows(db, user).await?;
        return Ok(Seen { foreign, stored: 0 });
    }
    if kind == 2 {
        committing.store(true, Ordering::Relaxed);
        let stored = first.insert(db).await?;
        let foreign = usize::from(stored.owner_id != user);
        return Ok(Seen { foreign, stored: 1 });
    }

    let transaction = db.begin().await?;
    first.insert(&transaction).await?;
    let foreign = foreign_rows(&transaction, user).await?;
    second.insert(&transaction).await?;
    if kind == 3 {
        transaction.rollback().await?;
        return Ok(Seen { foreign, stored: 0 });
    }

    committing.store(true, Ordering::Relaxed);
    transaction.commit().await?;
    Ok(Seen { foreign, stored: 2 })
}

async fn foreign_rows(db: &impl ConnectionTrait, user: Uuid) -> Result<usize, DbErr> {
    let rows = task::Entity::find().limit(20).all(db).await?;
    Ok(rows.iter().filter(|row| row.owner_id != user).count())
}

/// The name of the variant, and the SQLSTATE.
fn kind(error: &RlsError) -> String {
    let name = match error {
        RlsError::CommitUnknown { .. } => "CommitUnknown",
        RlsError::ConnectionLost { .. } => "ConnectionLost",
        RlsError::LoginRefused { .. } => "LoginRefused",
        RlsError::ReadOnly { .. } => "ReadOnly",
        RlsError::ScopeLost { .. } => "ScopeLost",
        RlsError::Unreachable { .. } => "Unreachable",
        RlsError::Database(source) => match source.as_ref() {
            DbErr::ConnectionAcquire(_) => "ConnectionAcquire",
            _ => "Database",
        },
        other => return format!("unexpected {other}"),
    };
    let state = error.sqlstate();
    state.map_or_else(|| name.to_owned(), |state| format!("{name} {state}"))
}
