//! Connections that rest between two transactions without going back to sqlx's pool, which would
//! ask each for an answer.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgPool, Postgres};
use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::task::coop::{consume_budget, unconstrained};
use tokio::time::{Instant, sleep};

/// How long a connection rests before the pool gets it back; up to twice that, since it is looked
/// after as often.
const REST: Duration = Duration::from_millis(100);

/// About how long a rollback waits for a begin to travel with.
const JOIN: Duration = Duration::from_millis(1);

/// A connection, and when the pool gave it.
pub(crate) struct Taken {
    pub(crate) connection: PoolConnection<Postgres>,
    since: Instant,
}

/// The connections of a pool that rest.
pub(crate) struct Resting {
    state: Mutex<State>,
    /// How long after the pool gave it a connection is taken again: the pool's hooks and lifetimes
    /// are for all.
    keep: Duration,
}

#[derive(Default)]
struct State {
    connections: Vec<Rested>,
    /// How many wait for the pool; while any does, every connection goes back to it.
    waiting: usize,
    watch: Option<Watch>,
}

impl Resting {
    pub(crate) fn new(keep: Duration) -> Self {
        Self {
            state: Mutex::default(),
            keep,
        }
    }

    /// A connection that rests, or one of the pool.
    pub(crate) async fn take(&self, pool: &PgPool) -> Result<Taken, sqlx::Error> {
        // As the pool's own queue does: a task that never has to wait must let others run.
        consume_budget().await;
        if pool.is_closed() {
            return Err(sqlx::Error::PoolClosed);
        }

        let mut kept_too_long = Vec::new();
        let waiting = {
            let mut state = self.lock();
            while let Some(mut rested) = state.connections.pop() {
                if let Some(taken) = rested.wake(self.keep) {
                    return Ok(taken);
                }

                kept_too_long.push(rested);
            }

            Waiting::of(self, &mut state)
        };

        drop(kept_too_long);

        let connection = pool.acquire().await?;
        drop(waiting);

        Ok(Taken {
            connection,
            since: Instant::now(),
        })
    }

    /// Keeps a connection for whoever comes next, with what is to be sent before; the pool gets it
    /// where someone waits, and when it has been away for long.
    pub(crate) fn keep(self: &Arc<Self>, taken: Taken) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let mut state = self.lock();
        if state.waiting > 0 || taken.since.elapsed() >= self.keep {
            return;
        }

        let mut rested = Rested {
            taken: Some(taken),
            since: Instant::now(),
            runtime,
        };

        match &state.watch {
            Some(watch) if watch.is_alive() => rested.leave_to(watch),
            _ => state.watch = Some(Watch::start(&rested.runtime, self)),
        }

        state.connections.push(rested);
    }

    /// Gives all back to the pool, and as long as the answer lives every other one: for whoever
    /// asks the pool itself.
    pub(crate) fn give_way(&self) -> Waiting<'_> {
        let (waiting, all) = {
            let mut state = self.lock();
            (
                Waiting::of(self, &mut state),
                std::mem::take(&mut state.connections),
            )
        };

        drop(all);
        waiting
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that looks after those that rest; it ends when none has for a while, or with its
/// runtime.
struct Watch {
    task: JoinHandle<()>,
    runtime: runtime::Id,
    looked: Instant,
    /// Wakes it where a connection rests with a rollback that is to be sent.
    unsent: Arc<Notify>,
}

impl Watch {
    /// For a connection that may have something to send.
    fn start(runtime: &Handle, resting: &Arc<Resting>) -> Self {
        let unsent = Arc::new(Notify::new());
        unsent.notify_one();

        let watch = watch(
            Arc::downgrade(resting),
            Arc::clone(&unsent),
            REST.min(resting.keep),
        );

        Self {
            task: runtime.spawn(watch),
            runtime: runtime.id(),
            looked: Instant::now(),
            unsent,
        }
    }

    /// A runtime that nobody runs any more keeps its tasks, and runs none of them.
    fn is_alive(&self) -> bool {
        !self.task.is_finished() && self.looked.elapsed() < REST * 3
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends what those that rest have to send; after each pause, gives back those that have rested or
/// been kept too long, until none is left.
async fn watch(resting: Weak<Resting>, unsent: Arc<Notify>, pause: Duration) {
    let mut pausing = pin!(sleep(pause));
    loop {
        // The pause first, or there would be none while there is always something to send.
        let paused = matches!(
            select(pausing.as_mut(), pin!(unsent.notified())).await,
            Either::Left(_)
        );

        if !paused {
            sleep(JOIN).await;
        }

        let Some(resting) = resting.upgrade() else {
            return;
        };
        let mut back = Vec::new();
        let mut state = resting.lock();

        state.connections.iter_mut().for_each(Rested::send);
        if paused {
            back.extend(
                state
                    .connections
                    .extract_if(.., |rested| rested.is_over(resting.keep)),
            );
            pausing.as_mut().reset(Instant::now() + pause);
        }

        let done = paused && state.connections.is_empty();
        match &mut state.watch {
            Some(watch) if !done => watch.looked = Instant::now(),
            watch => *watch = None,
        }

        drop(state);
        drop(back);

        if done {
            return;
        }
    }
}

/// Counts a waiting one until it is served, or gives up.
pub(crate) struct Waiting<'a>(&'a Resting);

impl<'a> Waiting<'a> {
    fn of(resting: &'a Resting, state: &mut State) -> Self {
        state.waiting += 1;
        Self(resting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

struct Rested {
    taken: Option<Taken>,
    since: Instant,
    runtime: Handle,
}

impl Rested {
    /// Where it was not kept too long already.
    fn wake(&mut self, keep: Duration) -> Option<Taken> {
        self.taken.take_if(|taken| taken.since.elapsed() < keep)
    }

    /// Has what is to be sent here sent soon, and at once where that would be for another runtime
    /// to do, which may stop.
    fn leave_to(&mut self, watch: &Watch) {
        if watch.runtime != self.runtime.id() {
            self.send();
        } else if self
            .taken
            .as_ref()
            .is_some_and(|taken| taken.connection.should_flush())
        {
            watch.unsent.notify_one();
        }
    }

    /// Sends the rollback that waits here for the next begin, without waiting for its answer.
    fn send(&mut self) {
        let Some(taken) = &mut self.taken else {
            return;
        };
        if !taken.connection.should_flush() {
            return;
        }

        // Not stopped by the task's budget: what is open holds its locks.
        if let Some(Err(_)) = unconstrained(taken.connection.flush()).now_or_never() {
            taken.connection.close_on_drop();
            self.taken = None;
        }
    }

    fn is_over(&self, keep: Duration) -> bool {
        self.since.elapsed() >= REST
            || self
                .taken
                .as_ref()
                .is_none_or(|taken| taken.since.elapsed() >= keep)
    }
}

/// The pool takes a connection back by a task, which outside of a runtime would be a panic.
impl Drop for Rested {
    fn drop(&mut self) {
        let Some(mut taken) = self.taken.take() else {
            return;
        };
        match Handle::try_current() {
            Ok(_) => drop(taken),
            // A thread that ends can enter none: its connection ends with the process, and its
            // transaction now, or with it where that cannot be sent; there is nobody left to tell.
            Err(none) if none.is_thread_local_destroyed() => {
                let _ = taken.connection.flush().now_or_never();
                std::mem::forget(taken);
            }
            Err(_) => {
                let _entered = self.runtime.enter();
                drop(taken);
            }
        }
    }
}
