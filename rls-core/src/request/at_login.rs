//! What is decided before a connection logs in: its server, and its password.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Row};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::config::{PasswordProvider, PasswordRequest};
use crate::error::RlsError;
use crate::request::cluster;
use crate::request::hosts::{Hosts, ServerState, TargetSession};
use crate::sqlstate;

/// How long a server may take to log in and answer before the next one is asked.
const ANSWER: Duration = Duration::from_secs(3);

/// How long a server that was found counts as found.
const FOUND: Duration = Duration::from_secs(1);

/// How the connections of a pool log in, if that is decided each time.
pub(crate) struct AtLogin {
    options: PgConnectOptions,
    hosts: Option<Hosts>,
    passwords: Option<PasswordProvider>,
    found: Mutex<Found>,
    /// Whether that server is to be asked again.
    doubted: AtomicBool,
    /// The database of the first server that answered. Statements name its OIDs.
    cluster: OnceLock<String>,
}

/// The server that was found last; at first, the one that the URL names first.
#[derive(Default)]
struct Found {
    at: usize,
    when: Option<Instant>,
}

impl AtLogin {
    /// `None` if nothing is to be decided.
    pub(crate) fn new(
        options: PgConnectOptions,
        hosts: Option<Hosts>,
        passwords: Option<PasswordProvider>,
    ) -> Option<Self> {
        (hosts.is_some() || passwords.is_some()).then(|| Self {
            options,
            hosts,
            passwords,
            found: Mutex::default(),
            doubted: AtomicBool::new(false),
            cluster: OnceLock::new(),
        })
    }

    /// Whether there is more than one server to choose from, or one that may not do.
    pub(crate) fn has_hosts(&self) -> bool {
        self.hosts.is_some()
    }

    /// Whether a server that refuses writes is never right.
    pub(crate) fn writes(&self) -> bool {
        self.hosts.as_ref().is_some_and(Hosts::writes)
    }

    /// Decides how the next connection logs in. A server that was found within the last second is
    /// not asked again.
    ///
    /// # Errors
    ///
    /// [`RlsError::PasswordProvider`] and [`RlsError::NoHost`], as errors of sqlx, and that a server
    /// refused the login.
    pub(crate) async fn decide(&self) -> Result<PgConnectOptions, sqlx::Error> {
        let Some(hosts) = &self.hosts else {
            return self.with_password(self.options.clone()).await;
        };

        let mut found = self.found.lock().await;
        if self.doubted.swap(false, Ordering::Relaxed) {
            found.when = None;
        }

        if found.when.is_some_and(|when| when.elapsed() < FOUND) {
            let options = hosts.options(found.at, &self.options);
            return self.with_password(options).await;
        }

        let (at, options) = self.find(hosts, found.at).await?;
        *found = Found {
            at,
            when: Some(Instant::now()),
        };
        Ok(options)
    }

    /// Whether the server that was found last is to be asked again.
    pub(crate) fn is_doubted(&self) -> bool {
        self.doubted.load(Ordering::Relaxed)
    }

    /// Has the next decision ask the servers again.
    pub(crate) fn doubt(&self) {
        self.doubted.store(true, Ordering::Relaxed);
    }

    /// Asks the servers in turn, the last one that was found first.
    async fn find(
        &self,
        hosts: &Hosts,
        from: usize,
    ) -> Result<(usize, PgConnectOptions), sqlx::Error> {
        let mut tried = Vec::new();
        let mut second = None;
        for at in (from..hosts.len()).chain(0..from) {
            let options = hosts.options(at, &self.options);
            let options = self.with_password(options).await?;
            let why = match timeout(ANSWER, state(&options)).await {
                Ok(Ok((_, cluster))) if self.is_another(&cluster) => {
                    "it is another cluster, or has another database, than the first that answered: \
                     restart the program if that is right"
                        .to_owned()
                }
                Ok(Ok((state, _))) if hosts.target.fits(state) => return Ok((at, options)),
                Ok(Ok((state, _))) => {
                    if hosts.target == TargetSession::PreferStandby {
                        second.get_or_insert((at, options));
                    }

                    state.to_string()
                }
                // As libpq has it: other servers would refuse it as well.
                Ok(Err(error)) if sqlstate::is_login_refused(&error) => return Err(error),
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {} s", ANSWER.as_secs()),
            };

            tried.push(format!("{}: {why}", hosts.name(at)));
        }

        second.ok_or_else(|| {
            let error = RlsError::NoHost {
                target: hosts.target.to_string(),
                tried: tried.join("; "),
            };
            sqlx::Error::Configuration(Box::new(error))
        })
    }

    /// Whether this is not the cluster of the first server that answered.
    fn is_another(&self, cluster: &str) -> bool {
        self.cluster.get_or_init(|| cluster.to_owned()) != cluster
    }

    async fn with_password(
        &self,
        options: PgConnectOptions,
    ) -> Result<PgConnectOptions, sqlx::Error> {
        let Some(passwords) = &self.passwords else {
            return Ok(options);
        };

        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => options.get_host().to_owned(),
        };
        let request = PasswordRequest {
            user: options.get_username().to_owned(),
            host,
            port: options.get_port(),
        };

        let user = request.user.clone();
        match passwords.ask(request).await {
            Ok(password) => Ok(options.password(password.expose())),
            Err(source) => Err(sqlx::Error::Configuration(Box::new(
                RlsError::PasswordProvider {
                    user,
                    source: Arc::from(source),
                },
            ))),
        }
    }
}

/// Logs in to a server, and asks what it is, and which cluster.
async fn state(options: &PgConnectOptions) -> Result<(ServerState, String), sqlx::Error> {
    // One text, since sqlx does not know the types of simple messages.
    const STATE: &str = "SELECT pg_catalog.concat(pg_catalog.pg_is_in_recovery(), ' ', \
                         pg_catalog.current_setting('transaction_read_only'))";

    let mut connection = options.connect().await?;
    let row = sqlx::raw_sql(STATE).fetch_one(&mut connection).await?;
    let state: String = row.try_get_unchecked(0)?;
    let cluster = cluster::of(&mut connection).await?;
    connection.close().await?;

    let state = ServerState {
        standby: state.starts_with('t'),
        read_only: state.ends_with("on"),
    };
    Ok((state, cluster))
}
