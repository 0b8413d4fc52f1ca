//! Connections that wait for the next transaction outside of sqlx's pool, which would send each a
//! message and wait for the answer.

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

/// How long a connection rests before it goes back to the pool. It can be twice as long: that is
/// how often somebody looks.
const REST: Duration = Duration::from_millis(100);

/// About how long a rollback waits for a begin message to be sent with.
const JOIN: Duration = Duration::from_millis(1);

/// A connection, and when it left the pool.
pub(crate) struct Taken {
    pub(crate) connection: PoolConnection<Postgres>,
    since: Instant,
}

/// The connections of a pool that rest.
pub(crate) struct Resting {
    state: Mutex<State>,
    /// How long a connection serves before it goes back, so that the pool's hooks and lifetimes
    /// hold for it too.
    keep: Duration,
}

#[derive(Default)]
struct State {
    connections: Vec<Rested>,
    /// How many tasks wait for the pool. While one does, every connection goes back to it.
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

    /// Takes a resting connection, or one of the pool.
    pub(crate) async fn take(&self, pool: &PgPool) -> Result<Taken, sqlx::Error> {
        // A task that never has to wait must let others run, as in the pool's own queue.
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

    /// Keeps a connection for the next transaction, with any unsent rollback. If a task waits for
    /// the pool, or the connection has served for long, it goes back instead.
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

    /// Gives all connections back to the pool, and keeps none as long as the answer lives. For code
    /// that uses the pool itself.
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

/// The task that looks after resting connections. It ends with its runtime, or when none has rested
/// for a while.
struct Watch {
    task: JoinHandle<()>,
    runtime: runtime::Id,
    looked: Instant,
    /// Wakes the task if a connection rests with an unsent rollback.
    unsent: Arc<Notify>,
}

impl Watch {
    /// Starts the task, for a connection that may have something to send.
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

    /// Whether the task still runs. A runtime that nobody drives keeps its tasks and runs none.
    fn is_alive(&self) -> bool {
        !self.task.is_finished() && self.looked.elapsed() < REST * 3
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends unsent rollbacks. After each pause, gives back the connections that have rested or served
/// too long, until none is left.
async fn watch(resting: Weak<Resting>, unsent: Arc<Notify>, pause: Duration) {
    let mut pausing = pin!(sleep(pause));
    loop {
        // The pause comes first: otherwise a steady flow of rollbacks would leave no time for it.
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
    /// The connection, unless it has served too long.
    fn wake(&mut self, keep: Duration) -> Option<Taken> {
        self.taken.take_if(|taken| taken.since.elapsed() < keep)
    }

    /// Lets the task send an unsent rollback soon. If the task belongs to another runtime, which
    /// may stop, the rollback is sent now.
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

    /// Sends an unsent rollback, without waiting for its answer.
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

/// The pool spawns a task to take a connection back, which panics outside of a runtime.
impl Drop for Rested {
    fn drop(&mut self) {
        let Some(mut taken) = self.taken.take() else {
            return;
        };
        match Handle::try_current() {
            Ok(_) => drop(taken),
            // A thread that ends can enter no runtime. Its rollback is sent now, if that works at
            // once; the connection ends with the process, and there is nobody left to tell.
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
