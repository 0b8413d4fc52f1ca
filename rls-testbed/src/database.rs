//! A database of one test.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::{io, thread};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::address::Address;
use crate::{Error, name};

/// How long databases and roles stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// They go with the server.
    WithServer,
    /// They are dropped with the [`Database`].
    WhileInUse,
}

/// An empty database that no other test uses.
///
/// On a server that `DATABASE_URL` names, dropping this value drops the database and the roles it
/// named, and blocks until that is done; after a `kill -9` they stay.
#[derive(Debug)]
pub struct Database {
    server: Address,
    address: Address,
    loopback: Option<Address>,
    name: String,
    suffix: String,
    roles: Mutex<Vec<String>>,
    keep: Keep,
}

impl Database {
    pub(crate) async fn create(
        server: &Address,
        loopback: Option<Address>,
        hint: &str,
        source: &str,
        keep: Keep,
    ) -> Result<Self, Error> {
        let suffix = name::random();
        let name = name::with_suffix(hint, &suffix);

        execute(server, &format!("CREATE DATABASE {name} {source}")).await?;

        Ok(Self {
            server: server.clone(),
            address: server.clone().database(&name),
            loopback: loopback.map(|address| address.database(&name)),
            name,
            suffix,
            roles: Mutex::default(),
            keep,
        })
    }

    /// The name; needs no quotes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A name for a role that only this database's test uses, for roles belong to the whole server;
    /// needs no quotes.
    ///
    /// The same `hint` gives the same name; only its first 50 characters count. The role itself is
    /// not created.
    #[must_use]
    pub fn role(&self, hint: &str) -> String {
        let role = name::with_suffix(hint, &self.suffix);
        let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        if !roles.contains(&role) {
            roles.push(role.clone());
        }

        role
    }

    /// The URL for the administrator.
    #[must_use]
    pub fn url(&self) -> String {
        self.address.url()
    }

    /// The URL for another login, whose password is checked.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str) -> String {
        self.address.clone().login(user, password).url()
    }

    /// The URL over TCP for the administrator.
    ///
    /// # Errors
    ///
    /// [`Error::NoTcp`] unless the server was started with
    /// [`ServerBuilder::tcp`](crate::ServerBuilder::tcp).
    pub fn tcp_url(&self) -> Result<String, Error> {
        self.loopback.as_ref().map(Address::url).ok_or(Error::NoTcp)
    }

    /// The URL over TCP for another login.
    ///
    /// # Errors
    ///
    /// As [`Database::tcp_url`].
    pub fn tcp_url_as(&self, user: &str, password: &str) -> Result<String, Error> {
        let address = self.loopback.clone().ok_or(Error::NoTcp)?;
        Ok(address.login(user, password).url())
    }

    /// The URL through a proxy in front of [`Server::tcp_address`](crate::Server::tcp_address), for
    /// another login.
    #[must_use]
    pub fn proxy_url_as(&self, proxy: SocketAddr, user: &str, password: &str) -> String {
        self.address
            .clone()
            .login(user, password)
            .through(proxy)
            .url()
    }

    /// Runs statements, separated by `;`, as the administrator, on a connection of their own, in
    /// one message.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] if the server refuses.
    pub async fn execute(&self, sql: &str) -> Result<(), Error> {
        execute(&self.address, sql).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.keep == Keep::WithServer {
            return;
        }

        let server = self.server.clone();
        let roles = self.roles.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut statements = vec![format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.name
        )];

        statements.extend(
            roles
                .iter()
                .map(|role| format!("DROP ROLE IF EXISTS {role}")),
        );

        // A thread of its own, for the test's runtime may be the one that drops, and may be ending.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;

            // What cannot be dropped keeps nothing else.
            let failed = runtime.block_on(async {
                let mut failed = Vec::new();
                for statement in statements {
                    if let Err(error) = execute(&server, &statement).await {
                        failed.push(format!("{statement}: {error}"));
                    }
                }
                failed
            });
            Ok::<_, io::Error>(failed)
        });

        let failed = match dropped.join() {
            Ok(Ok(failed)) => failed,
            Ok(Err(error)) => vec![error.to_string()],
            Err(_) => vec!["the thread that drops it panicked".to_owned()],
        };
        for error in failed {
            eprintln!("testbed: of {}, something stays: {error}", self.name);
        }
    }
}

async fn execute(address: &Address, sql: &str) -> Result<(), Error> {
    let run = async {
        let mut connection = PgConnection::connect(&address.url()).await?;
        connection.execute(AssertSqlSafe(sql.to_owned())).await?;
        connection.close().await
    };
    run.await
        .map_err(Error::sql("run the statements".to_owned()))
}
