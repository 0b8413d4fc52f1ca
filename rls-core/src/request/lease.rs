//! One pooled connection for one transaction, and what happens to it, however the transaction ends.

use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres, SqlStr};
use sqlx_core::transaction::TransactionManager;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::sqlstate;

type Manager = <Postgres as sqlx::Database>::TransactionManager;

/// How long the answer to a dropped begin may take. After that the connection is closed.
const RECOVERY: Duration = Duration::from_secs(1);

/// What is known of the connection's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No transaction is open.
    Idle,
    /// A transaction is open. If the lease is dropped now, a rollback is queued before the next
    /// borrower's first message.
    Open,
    /// A begin or its answer is under way. If the lease is dropped now, the connection serves
    /// nobody until the answer is read and a rollback confirmed: otherwise the next borrower could
    /// be in another user's transaction.
    Beginning,
    /// Unknown: the protocol broke, or SQL text left the scope. If the lease is dropped now, the
    /// connection is closed.
    Unknown,
}

/// A pooled connection that never serves the next borrower with a context or an open transaction.
pub(crate) struct Lease {
    taken: Option<PoolConnection<Postgres>>,
    state: State,
    /// Whether the session may hold something that the next user of the connection must not find.
    spent: bool,
}

impl Lease {
    /// Takes a connection and begins with `message`, in one round trip.
    ///
    /// A connection that turns out dead is replaced, since nothing ran on it: once per connection
    /// of the pool, because a restart of the server kills all of them, and once more for a fresh
    /// one.
    pub(crate) async fn begin(pool: &PgPool, message: SqlStr) -> Result<Self, DbErr> {
        let mut attempts = pool.size() + 1;
        loop {
            let taken = pool.acquire().await.map_err(acquire_error)?;
            let mut lease = Self {
                taken: Some(taken),
                state: State::Beginning,
                spent: false,
            };

            match Manager::begin(lease.connection(), Some(message.clone())).await {
                Ok(()) => {
                    lease.state = State::Open;
                    return Ok(lease);
                }
                Err(error) => {
                    // Of a failed message, `BEGIN` may have run and `SET LOCAL` not.
                    lease.state = State::Unknown;
                    if attempts == 0 || !sqlstate::is_connection_lost(&error) {
                        return Err(connection_error(error));
                    }

                    attempts -= 1;
                }
            }
        }
    }

    /// Commits. Afterwards no transaction is open, even if the server rolled back instead.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        // Dropped while this waits, the commit may or may not have happened; the rollback queued
        // then ends nothing.
        match Manager::commit(self.connection()).await {
            Ok(()) => {
                self.state = State::Idle;
                Ok(())
            }
            Err(error) => {
                self.note(&error);
                Err(error)
            }
        }
    }

    /// Rolls back and waits for the answer.
    pub(crate) async fn rollback(mut self) -> Result<(), sqlx::Error> {
        match Manager::rollback(self.connection()).await {
            Ok(()) => {
                self.state = State::Idle;
                Ok(())
            }
            Err(error) => {
                self.note(&error);
                Err(error)
            }
        }
    }

    /// Reads what a dropped future left unread. Returns the server's errors in it, in order.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub(crate) async fn settle(&mut self) -> Result<Vec<sqlx::Error>, sqlx::Error> {
        let mut errors = Vec::new();

        // Each error leaves at least its `ReadyForQuery` to read, so this ends with the answers.
        loop {
            match self.connection().flush().await {
                Ok(()) => return Ok(errors),
                Err(error) => {
                    self.note(&error);
                    if self.is_lost() {
                        return Err(error);
                    }

                    errors.push(error);
                }
            }
        }
    }

    /// Closes the connection at the end if the error says that it is lost, or (an error of this
    /// library's own) that its transaction is no longer the one that began.
    pub(crate) fn note(&mut self, error: &sqlx::Error) {
        if sqlstate::is_connection_lost(error) || matches!(error, sqlx::Error::Configuration(_)) {
            self.state = State::Unknown;
        }
    }

    /// Closes the connection at the end instead of giving it back.
    pub(crate) fn close_at_end(&mut self) {
        self.spent = true;
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.state == State::Unknown
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        self.taken
            .as_mut()
            .unwrap_or_else(|| unreachable!("taken only at the end"))
    }

    fn queue_rollback(&mut self) {
        if self.state == State::Open {
            Manager::start_rollback(self.connection());
            self.state = State::Idle;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.queue_rollback();

        let Some(mut taken) = self.taken.take() else {
            return;
        };
        if self.spent {
            taken.close_on_drop();
            return;
        }

        match (self.state, Handle::try_current()) {
            (State::Idle | State::Open, _) => {}
            (State::Beginning, Ok(runtime)) => {
                // Should the runtime end before, the connection is closed with the task.
                let lease = Self {
                    taken: Some(taken),
                    state: State::Unknown,
                    spent: false,
                };

                runtime.spawn(lease.recover());
            }
            (State::Beginning | State::Unknown, _) => taken.close_on_drop(),
        }
    }
}

impl Lease {
    /// Reads what a dropped begin left unread and rolls back, so that a cancelled request does not
    /// cost a login. The connection is closed if that is not confirmed in time.
    async fn recover(mut self) {
        let connection = self.connection();
        let rolled_back = async {
            if connection.flush().await.is_err() {
                // The begin's one error; what follows it is its `ReadyForQuery`.
                connection.flush().await?;
            }

            connection.execute("ROLLBACK").await
        };

        if matches!(timeout(RECOVERY, rolled_back).await, Ok(Ok(_))) {
            self.state = State::Idle;
        }
    }
}

/// The error that SeaORM reports for a pool without a connection to give.
pub(crate) fn acquire_error(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        other => connection_error(other),
    }
}

fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
