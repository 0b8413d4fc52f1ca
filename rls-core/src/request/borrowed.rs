//! A connection of the pool, and its way back, which takes no longer than others wait for one.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::error::RlsError;
use crate::model::wal_position::WalPosition;
use crate::request::at_login::AtLogin;
use crate::request::replay;
use crate::request::sessions::Sessions;
use crate::sqlstate;

/// A pooled connection. It goes back when the server has answered all that was sent, and is ended
/// if that takes longer than the pool's `acquire_timeout`.
///
/// sqlx asks a returned connection for an answer without bound, so that a server which is silently
/// gone would keep its place in the pool for ever
/// (<https://github.com/launchbadge/sqlx/issues/4349>).
pub(crate) struct Borrowed {
    taken: Option<PoolConnection<Postgres>>,
    patience: Duration,
    /// Who finds another server, if one that refuses writes is a wrong one.
    writes: Option<Arc<AtLogin>>,
}

impl Borrowed {
    /// Takes a connection, one whose server has come far enough if that is asked for.
    pub(crate) async fn from_pool(pool: &Sessions) -> Result<Self, sqlx::Error> {
        let Some(wanted) = pool.is_to_catch_up() else {
            return Self::take(pool).await;
        };

        let caught_up = timeout(wanted.within, Self::take_caught_up(pool, wanted.position)).await;
        match (caught_up, &wanted.otherwise) {
            (Ok(Ok(borrowed)), _) => Ok(borrowed),
            (_, Some(primary)) => Self::take(primary).await,
            (Ok(Err(error)), None) => Err(error),
            (Err(_), None) => Err(sqlx::Error::Configuration(Box::new(
                RlsError::StandbyBehind {
                    position: wanted.position,
                    within: wanted.within,
                },
            ))),
        }
    }

    /// Waits for the server of a connection, on that connection: others of the pool may be on other
    /// servers.
    async fn take_caught_up(pool: &Sessions, position: WalPosition) -> Result<Self, sqlx::Error> {
        let mut attempts = pool.pg().size() + 1;
        loop {
            let mut borrowed = Self::take(pool).await?;
            match replay::reached(borrowed.connection(), position).await {
                Ok(()) => return Ok(borrowed),
                // It was dead before, and nothing ran on it.
                Err(error) if attempts > 0 && sqlstate::is_connection_lost(&error) => {
                    borrowed.close();
                    attempts -= 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a connection, however far its server has come.
    pub(crate) async fn take(pool: &Sessions) -> Result<Self, sqlx::Error> {
        let taken = pool.acquire().await?;

        Ok(Self {
            taken: Some(taken),
            patience: pool.patience(),
            writes: pool.writes().cloned(),
        })
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        self.taken
            .as_mut()
            .unwrap_or_else(|| unreachable!("used after it was closed"))
    }

    /// Whether the connection should serve nobody after this error: it is lost, or its server refuses
    /// writes, and another one is wanted. Then the servers are asked again. That is so if the server
    /// became a standby between the question and the login.
    pub(crate) fn is_spent_by(&self, error: &sqlx::Error) -> bool {
        match &self.writes {
            Some(at_login) if sqlstate::is_read_only_violation(error) => {
                at_login.doubt();
                true
            }
            _ => sqlstate::is_connection_lost(error),
        }
    }

    /// Closes the connection instead of giving it back. Nothing more can be sent on it.
    pub(crate) fn close(&mut self) {
        if let Some(mut taken) = self.taken.take() {
            taken.close_on_drop();
        }
    }

    /// Closes the connection, and returns when the server has been told.
    pub(crate) async fn close_and_wait(mut self) -> sqlx::Result<()> {
        match self.taken.take() {
            Some(taken) => taken.close().await,
            None => Ok(()),
        }
    }

    /// Ends the connection at once, without a word to the server, which may not listen. To close it
    /// takes seconds then, and keeps its place in the pool meanwhile.
    pub(crate) fn abandon(mut self) {
        if let Some(taken) = self.taken.take() {
            drop(taken.detach());
        }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let Some(mut taken) = self.taken.take() else {
            return;
        };

        match Handle::try_current() {
            // If the time is over, the connection is dropped with the future, and its place is free.
            Ok(runtime) => drop(runtime.spawn(timeout(self.patience, taken.return_to_pool()))),
            Err(_) => taken.close_on_drop(),
        }
    }
}

/// The error that SeaORM reports for a pool without a connection to give.
pub(crate) fn acquire_error(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        other => DbErr::Conn(RuntimeErr::SqlxError(other.into())),
    }
}
