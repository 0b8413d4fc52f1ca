//! One pooled connection for one transaction, and what happens to it, however the transaction ends.

use std::time::Duration;

use sea_orm::DbErr;
use sqlx::{Connection, Executor, PgConnection, Postgres};
use sqlx_core::transaction::TransactionManager;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::request::borrowed::{Borrowed, acquire_error};
use crate::request::carrier::Begin;
use crate::request::sessions::Sessions;
use crate::sqlstate;

type Manager = <Postgres as sqlx::Database>::TransactionManager;

/// How long the answer to a dropped begin may take. After that the connection is ended.
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
    /// `None` once the lease has ended.
    borrowed: Option<Borrowed>,
    state: State,
    /// Whether the session may hold something that the next user of the connection must not find.
    spent: bool,
}

impl Lease {
    /// Takes a connection and begins: in one round trip on PostgreSQL.
    ///
    /// A connection that turns out dead is replaced, since nothing ran on it: once per connection
    /// of the pool, because a restart of the server kills all of them, and once more for a fresh
    /// one. All of it together takes no longer than the pool's `acquire_timeout`: a pooler between
    /// may keep the begin waiting for a server.
    pub(crate) async fn begin(pool: &Sessions, messages: &Begin) -> Result<Self, DbErr> {
        let patience = pool.patience();
        let begun = timeout(patience, Self::begin_on_live(pool, messages)).await;

        begun
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .map_err(acquire_error)
    }

    async fn begin_on_live(pool: &Sessions, messages: &Begin) -> Result<Self, sqlx::Error> {
        let mut attempts = pool.pg().size() + 1;
        loop {
            let mut lease = Self {
                borrowed: Some(Borrowed::from_pool(pool).await?),
                state: State::Beginning,
                spent: false,
            };

            match lease.send(messages).await {
                Ok(()) => {
                    lease.state = State::Open;
                    return Ok(lease);
                }
                Err(error) => {
                    // Of a failed message, `BEGIN` may have run and `SET LOCAL` not.
                    lease.state = State::Unknown;
                    if attempts == 0 || !sqlstate::is_connection_lost(&error) {
                        return Err(error);
                    }

                    attempts -= 1;
                }
            }
        }
    }

    async fn send(&mut self, messages: &Begin) -> Result<(), sqlx::Error> {
        Manager::begin(self.connection(), Some(messages.first.clone())).await?;
        if let Some(parameters) = &messages.carried {
            parameters.send(self.connection()).await?;
        }

        for message in &messages.then {
            self.connection().execute(message.clone()).await?;
        }

        Ok(())
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

        let borrowed = self.borrowed.as_ref();
        self.spent |= borrowed.is_some_and(|borrowed| borrowed.is_spent_by(error));
    }

    /// Closes the connection at the end instead of giving it back.
    pub(crate) fn close_at_end(&mut self) {
        self.spent = true;
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.state == State::Unknown
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        self.borrowed
            .as_mut()
            .unwrap_or_else(|| unreachable!("taken only at the end"))
            .connection()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.state == State::Open {
            Manager::start_rollback(self.connection());
        }

        let Some(mut borrowed) = self.borrowed.take() else {
            return;
        };
        if self.spent {
            borrowed.close();
            return;
        }

        match (self.state, Handle::try_current()) {
            (State::Idle | State::Open, _) => drop(borrowed),
            (State::Beginning, Ok(runtime)) => {
                // Should the runtime end before, the connection is closed with the task.
                let lease = Self {
                    borrowed: Some(borrowed),
                    state: State::Unknown,
                    spent: false,
                };

                runtime.spawn(lease.recover());
            }
            (State::Beginning | State::Unknown, _) => borrowed.close(),
        }
    }
}

impl Lease {
    /// Reads what a dropped begin left unread and rolls back, so that a cancelled request does not
    /// cost a login. The connection is ended if that is not confirmed in time.
    async fn recover(mut self) {
        let connection = self.connection();
        let rolled_back = async {
            if connection.flush().await.is_err() {
                // The begin's one error; what follows it is its `ReadyForQuery`.
                connection.flush().await?;
            }

            // A message after the one with `BEGIN` was dropped: sqlx counts the transaction as open.
            if Manager::get_transaction_depth(connection) > 0 {
                Manager::rollback(connection).await
            } else {
                connection.execute("ROLLBACK").await.map(drop)
            }
        };

        if matches!(timeout(RECOVERY, rolled_back).await, Ok(Ok(()))) {
            self.state = State::Idle;
        } else if let Some(borrowed) = self.borrowed.take() {
            borrowed.abandon();
        }
    }
}
