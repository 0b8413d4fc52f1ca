//! The sessions of one login: sqlx's pool, and what is decided before a connection of it logs in.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::time::{sleep, timeout};

use crate::error::RlsError;
use crate::model::wal_position::WalPosition;
use crate::request::at_login::AtLogin;
use crate::sqlstate;

/// How long one may wait for a connection before the servers are asked again.
const SLOW: Duration = Duration::from_secs(1);

/// How long after no server fitted they are asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// The pool of one login. Cheap to clone.
///
/// sqlx reads the options of a pool each time that a connection logs in, and has no hook before it.
/// So they are replaced here before a connection is taken, if none is idle.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    pg: PgPool,
    at_login: Option<Arc<AtLogin>>,
    caught_up: Option<CaughtUp>,
}

/// How far a session's server must have come before a statement runs on it.
pub(crate) struct CaughtUp {
    pub(crate) position: WalPosition,
    pub(crate) within: Duration,
    /// The primary's sessions, if one of them is to be taken when the time is over.
    pub(crate) otherwise: Option<Sessions>,
}

impl Sessions {
    pub(crate) fn new(pg: PgPool, at_login: Option<AtLogin>) -> Self {
        Self(Arc::new(Inner {
            pg,
            at_login: at_login.map(Arc::new),
            caught_up: None,
        }))
    }

    /// The same sessions, each of which is taken when its server has come far enough.
    pub(crate) fn caught_up(&self, caught_up: CaughtUp) -> Self {
        Self(Arc::new(Inner {
            pg: self.0.pg.clone(),
            at_login: self.0.at_login.clone(),
            caught_up: Some(caught_up),
        }))
    }

    /// How far a session's server must have come.
    pub(crate) fn is_to_catch_up(&self) -> Option<&CaughtUp> {
        self.0.caught_up.as_ref()
    }

    /// The sqlx pool.
    pub(crate) fn pg(&self) -> &PgPool {
        &self.0.pg
    }

    /// How long others wait for a connection.
    pub(crate) fn patience(&self) -> Duration {
        self.0.pg.options().get_acquire_timeout()
    }

    /// Who finds another server, if one that refuses writes is a wrong one.
    pub(crate) fn writes(&self) -> Option<&Arc<AtLogin>> {
        self.0.at_login.as_ref().filter(|login| login.writes())
    }

    /// Takes a connection, within `acquire_timeout`.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        let Some(at_login) = &self.0.at_login else {
            return self.0.pg.acquire().await;
        };

        let mut failed = None;
        timeout(
            self.patience(),
            self.acquire_deciding(at_login, &mut failed),
        )
        .await
        .unwrap_or_else(|_| Err(failed.unwrap_or(sqlx::Error::PoolTimedOut)))
    }

    /// Takes a connection, however long that takes. `failed` is why there is none so far.
    async fn acquire_deciding(
        &self,
        at_login: &AtLogin,
        failed: &mut Option<sqlx::Error>,
    ) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        // A connection that is being closed still counts, and another may soon log in in its place.
        if self.may_log_in() || at_login.is_doubted() {
            self.decide(at_login, failed).await?;
        }

        let mut may_be_refused = true;
        let mut acquiring = pin!(self.0.pg.acquire());
        loop {
            let patience = if at_login.has_hosts() {
                SLOW
            } else {
                Duration::MAX
            };

            match timeout(patience, &mut acquiring).await {
                // All connections are in use, or the server that was found is gone.
                Err(_) if !self.decide(at_login, failed).await? => continue,
                Err(_) => {}
                // An idle connection was dead, and sqlx logged in with what was decided for another.
                Ok(Err(error)) if may_be_refused && sqlstate::is_login_refused(&error) => {
                    may_be_refused = false;
                    self.decide(at_login, failed).await?;
                }
                Ok(Err(error @ sqlx::Error::Io(_))) if at_login.has_hosts() => {
                    *failed = Some(error);
                    at_login.doubt();
                    sleep(AGAIN).await;
                    self.decide(at_login, failed).await?;
                }
                Ok(acquired) => return acquired,
            }

            acquiring.set(self.0.pg.acquire());
        }
    }

    /// Whether the next connection that is taken logs in, as far as one can tell.
    fn may_log_in(&self) -> bool {
        self.0.pg.num_idle() == 0 && self.0.pg.size() < self.0.pg.options().get_max_connections()
    }

    /// Decides how the next connection logs in, and returns whether that is at another server. If no
    /// server fits, asks again until one does.
    async fn decide(
        &self,
        at_login: &AtLogin,
        failed: &mut Option<sqlx::Error>,
    ) -> Result<bool, sqlx::Error> {
        loop {
            match at_login.decide().await {
                Ok(options) => {
                    let before = self.0.pg.connect_options();
                    let is_other = before.get_host() != options.get_host()
                        || before.get_socket() != options.get_socket()
                        || before.get_port() != options.get_port();
                    self.0.pg.set_connect_options(options);
                    return Ok(is_other);
                }
                Err(error) if at_login.has_hosts() && is_no_host(&error) => {
                    *failed = Some(error);
                    sleep(AGAIN).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_no_host(error: &sqlx::Error) -> bool {
    let sqlx::Error::Configuration(error) = error else {
        return false;
    };

    matches!(error.downcast_ref(), Some(RlsError::NoHost { .. }))
}
