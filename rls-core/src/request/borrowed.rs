//! A connection of the pool, and its way back, which takes no longer than others wait for one.

use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// A pooled connection. It goes back when the server has answered all that was sent, and is ended
/// if that takes longer than the pool's `acquire_timeout`.
///
/// sqlx asks a returned connection for an answer without bound, so that a server which is silently
/// gone would keep its place in the pool for ever
/// (<https://github.com/launchbadge/sqlx/issues/4349>).
pub(crate) struct Borrowed {
    taken: Option<PoolConnection<Postgres>>,
    patience: Duration,
}

impl Borrowed {
    pub(crate) async fn from_pool(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let taken = pool.acquire().await?;

        Ok(Self {
            taken: Some(taken),
            patience: pool.options().get_acquire_timeout(),
        })
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        self.taken
            .as_mut()
            .unwrap_or_else(|| unreachable!("used after it was closed"))
    }

    /// Closes the connection instead of giving it back. Nothing more can be sent on it.
    pub(crate) fn close(&mut self) {
        if let Some(mut taken) = self.taken.take() {
            taken.close_on_drop();
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
