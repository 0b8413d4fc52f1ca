//! One pooled connection for the time of one transaction, and what becomes of it however that time ends.

use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres, SqlStr};
use sqlx_core::transaction::TransactionManager;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::error::sqlstate;

type Manager = <Postgres as sqlx::Database>::TransactionManager;

/// How long a dropped begin may take to answer; after that the connection is closed.
const RECOVERY: Duration = Duration::from_secs(1);

/// What is known of the connection's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// None is open.
    Idle,
    /// One is open; dropped like this, its rollback is queued before the next borrower's first message.
    Open,
    /// A begin or its answer is under way. Dropped like this, the connection goes to nobody before the answer has been
    /// read and a rollback confirmed: the next borrower could find itself in another user's transaction.
    Beginning,
    /// Not known: the protocol broke, or the scope was left. Dropped like this, the connection is closed.
    Unknown,
}

/// A pooled connection that is never given back with a context or an open transaction.
pub(crate) struct Lease {
    connection: Option<PoolConnection<Postgres>>,
    state: State,
    /// Whether the session may hold what another user of the connection must not find.
    spent: bool,
}

impl Lease {
    /// Takes a connection and begins with `message`, in one round trip.
    ///
    /// A connection found dead here is replaced: nothing ran on it. Once a connection of the pool, for a server's
    /// restart kills them all, and once more for a fresh one.
    pub(crate) async fn begin(pool: &PgPool, message: SqlStr) -> Result<Self, DbErr> {
        let mut attempts = pool.size() + 1;
        loop {
            let connection = pool.acquire().await.map_err(acquire_error)?;
            let mut lease = Self { connection: Some(connection), state: State::Idle, spent: false };
            match lease.begin_again(message.clone()).await {
                Ok(()) => return Ok(lease),
                Err(error) if attempts > 0 && sqlstate::is_connection_lost(&error) => attempts -= 1,
                Err(error) => return Err(connection_error(error)),
            }
        }
    }

    /// Rolls back what is open and begins anew, in one round trip.
    pub(crate) async fn begin_again(&mut self, message: SqlStr) -> Result<(), sqlx::Error> {
        self.queue_rollback();
        self.state = State::Beginning;
        let begun = Manager::begin(self.connection(), Some(message)).await;
        // Of a failed message, `BEGIN` may have run and `SET LOCAL` not.
        self.state = if begun.is_ok() { State::Open } else { State::Unknown };
        begun
    }

    /// Commits; afterwards nothing is open, whether it succeeded or the server rolled back instead.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        // Dropped while this waits, the commit may or may not have happened; the rollback queued then ends nothing.
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

    /// Reads what a dropped future left unread; the server's errors in it, in order.
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

    /// Remembers what an error says of the connection.
    pub(crate) fn note(&mut self, error: &sqlx::Error) {
        if sqlstate::is_connection_lost(error) {
            self.state = State::Unknown;
        }
    }

    /// The transaction is not what it was: the connection is closed, not given back.
    pub(crate) fn give_up(&mut self) {
        self.state = State::Unknown;
    }

    /// The connection is closed when this ends, not given back.
    pub(crate) fn close_at_end(&mut self) {
        self.spent = true;
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.state == State::Unknown
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        self.connection.as_mut().unwrap_or_else(|| unreachable!("taken only in drop"))
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
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if self.spent {
            connection.close_on_drop();
            return;
        }
        match (self.state, Handle::try_current()) {
            (State::Idle | State::Open, _) => {}
            (State::Beginning, Ok(runtime)) => {
                // Should the runtime end before, the connection is closed with the task.
                let lease = Self { connection: Some(connection), state: State::Unknown, spent: false };
                runtime.spawn(lease.recover());
            }
            (State::Beginning | State::Unknown, _) => connection.close_on_drop(),
        }
    }
}

impl Lease {
    /// Reads what a dropped begin left unread and rolls back, so that a cancelled request does not cost a login; the
    /// connection is closed where that is not confirmed in time.
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

/// As SeaORM reports a pool that gave no connection.
fn acquire_error(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        other => connection_error(other),
    }
}

fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
