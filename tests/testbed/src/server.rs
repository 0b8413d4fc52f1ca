//! A server: our own, or the one that `DATABASE_URL` names.

use std::env;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::address::Address;
use crate::database::{Database, Keep};
use crate::guard::Guard;
use crate::programs::{self, Programs};
use crate::proxy::Upstream;
use crate::settings::Listen;
use crate::{Error, Source, name, storage};

/// The port in the name of the socket; every server has a folder of its own.
const SOCKET_PORT: u16 = 5432;

/// A PostgreSQL server that is gone when this value is dropped or this process ends, however it
/// ends.
///
/// One that `DATABASE_URL` names is left running.
#[derive(Debug)]
pub struct Server {
    address: Address,
    loopback: Option<(SocketAddr, Address)>,
    programs: Option<Programs>,
    started_in: Duration,
    /// Dropped with the server, and so stops it.
    guard: Option<Guard>,
}

/// What a server is to be like; made by [`Server::builder`].
#[derive(Clone, Debug)]
pub struct ServerBuilder {
    given: Option<String>,
    sources: Vec<Source>,
    tcp: bool,
    settings: Vec<(String, String)>,
    room: u64,
}

impl ServerBuilder {
    /// Starts a server of one's own even if `DATABASE_URL` names one.
    #[must_use]
    pub fn own(mut self) -> Self {
        self.given = None;
        self
    }

    /// Uses the server at this URL, as `DATABASE_URL` would have it.
    #[must_use]
    pub fn given(mut self, url: &str) -> Self {
        self.given = Some(url.to_owned());
        self
    }

    /// Listens on a free port of 127.0.0.1 too. Over it every login needs its password, `postgres`
    /// as well.
    #[must_use]
    pub fn tcp(mut self) -> Self {
        self.tcp = true;
        self
    }

    /// Adds a setting of `postgresql.conf`. No effect on a server that `DATABASE_URL` names.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Keeps the cluster in memory only if this many bytes are free, 1 GiB unless told; else it
    /// is on disk. No effect on a server that `DATABASE_URL` names.
    #[must_use]
    pub fn room(mut self, bytes: u64) -> Self {
        self.room = bytes;
        self
    }

    /// Looks for PostgreSQL's programs in these places only, instead of [`Source::all`].
    #[must_use]
    pub fn sources(mut self, sources: impl IntoIterator<Item = Source>) -> Self {
        self.sources = sources.into_iter().collect();
        self
    }

    /// Starts the server; returns when it takes connections, after 0.6 to 0.9 s, nearly all of it
    /// `initdb`. It blocks.
    ///
    /// # Errors
    ///
    /// All of [`Error`] but `NoTcp` and `Sql`.
    pub fn start(self) -> Result<Server, Error> {
        let begun = Instant::now();
        if let Some(url) = &self.given {
            return Ok(Server {
                address: Address::given(url)?,
                loopback: None,
                programs: None,
                started_in: begun.elapsed(),
                guard: None,
            });
        }

        let account = Account::of_server()?;
        let programs = programs::find(&self.sources, account)?;
        let listen = Listen {
            port: if self.tcp { free_port()? } else { SOCKET_PORT },
            tcp: self.tcp,
        };

        let password = name::random() + &name::random();
        let guard = Guard::start(
            &programs,
            account,
            listen,
            &password,
            &self.settings,
            self.room,
        )?;

        let loopback = (
            SocketAddr::from((Ipv4Addr::LOCALHOST, listen.port)),
            Address::loopback(listen.port, &password),
        );

        Ok(Server {
            address: Address::socket(&guard.folder, listen.port),
            loopback: self.tcp.then_some(loopback),
            programs: Some(programs),
            started_in: begun.elapsed(),
            guard: Some(guard),
        })
    }
}

/// Free now; that another process takes it before the server does is unlikely, and shows as
/// `Error::Ended`.
fn free_port() -> Result<u16, Error> {
    let loopback = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = loopback.and_then(|listener| listener.local_addr());
    Ok(address
        .map_err(Error::io("listen on", Path::new("127.0.0.1")))?
        .port())
}

impl Server {
    /// A server as it is used by default: `DATABASE_URL`, else one of its own, on a socket only.
    #[must_use]
    pub fn builder() -> ServerBuilder {
        ServerBuilder {
            given: env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()),
            sources: Source::all(),
            tcp: false,
            settings: Vec::new(),
            room: storage::ROOM,
        }
    }

    /// Starts a server; most tests share [`server`](crate::server) instead.
    ///
    /// # Errors
    ///
    /// As [`ServerBuilder::start`].
    pub fn start() -> Result<Self, Error> {
        Self::builder().start()
    }

    /// Makes an empty database; `hint` begins its name. Three round trips of a connection of its
    /// own.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] if the server refuses.
    pub async fn database(&self, hint: &str) -> Result<Database, Error> {
        let keep = if self.guard.is_some() {
            Keep::WithServer
        } else {
            Keep::WhileInUse
        };
        let loopback = self.loopback.as_ref().map(|(_, address)| address.clone());
        Database::create(&self.address, loopback, hint, keep).await
    }

    /// The URL of a database for the administrator.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.address.clone().database(database).url()
    }

    /// The URL of a database for another login.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        self.address
            .clone()
            .database(database)
            .login(user, password)
            .url()
    }

    /// Where the server listens on the loopback, for a proxy to connect to.
    ///
    /// # Errors
    ///
    /// [`Error::NoTcp`] unless started with [`ServerBuilder::tcp`].
    pub fn tcp_address(&self) -> Result<SocketAddr, Error> {
        self.loopback
            .as_ref()
            .map(|(at, _)| *at)
            .ok_or(Error::NoTcp)
    }

    /// For a proxy: TCP if the server listens on it, so that nothing but the proxy comes in
    /// between.
    pub(crate) fn upstream(&self) -> Result<Upstream, Error> {
        self.loopback
            .as_ref()
            .map_or(&self.address, |(_, address)| address)
            .upstream()
    }

    /// How long the start took.
    #[must_use]
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// What `postgres --version` prints; none for a server that `DATABASE_URL` names.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.programs.as_ref().map(|programs| &*programs.version)
    }

    /// The folder of PostgreSQL's programs; none for a server that `DATABASE_URL` names.
    #[must_use]
    pub fn programs(&self) -> Option<&Path> {
        self.programs.as_ref().map(|programs| &*programs.folder)
    }

    /// The folder of the cluster, with its `log`; none for a server that `DATABASE_URL` names.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.guard.as_ref().map(|guard| &*guard.folder)
    }
}
