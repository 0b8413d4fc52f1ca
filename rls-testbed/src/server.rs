//! A server: our own, or the one that `DATABASE_URL` names.

use std::env;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::address::Address;
use crate::database::{Database, Keep};
use crate::guard::{Guard, Ownership};
use crate::programs::{self, Programs};
#[cfg(feature = "proxy")]
use crate::proxy::Upstream;
use crate::settings::Listen;
use crate::template::{self, Template};
use crate::{Error, Source, name, shared, storage};

/// The port in the name of the socket; every server has a folder of its own.
pub(crate) const SOCKET_PORT: u16 = 5432;

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
            Ownership::Alone,
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

    /// The server that all test processes of this user share, as `cargo nextest` runs one process for
    /// each test: `DATABASE_URL`, else one that the first of them starts. It is gone a few seconds
    /// after the last of them, however they end. It listens on its socket only.
    ///
    /// # Errors
    ///
    /// As [`ServerBuilder::start`].
    pub fn shared() -> Result<Self, Error> {
        let builder = Self::builder();
        match builder.given {
            Some(_) => builder.start(),
            None => shared::join_or_start(&builder.sources, builder.room),
        }
    }

    /// A shared server that runs.
    pub(crate) fn of_guard(guard: Guard, programs: Programs, started_in: Duration) -> Self {
        Self {
            address: Address::socket(&guard.folder, SOCKET_PORT),
            loopback: None,
            programs: Some(programs),
            started_in,
            guard: Some(guard),
        }
    }

    /// Makes an empty database; `hint` begins its name. Three round trips of a connection of its
    /// own.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] if the server refuses.
    pub async fn database(&self, hint: &str) -> Result<Database, Error> {
        // `template0`, for nobody can be connected to it, and it is the same on every server.
        self.copy_of("template0", hint).await
    }

    /// Makes a database as a copy of another, to which nobody may be connected.
    pub(crate) async fn copy_of(&self, template: &str, hint: &str) -> Result<Database, Error> {
        let alone = self.guard.as_ref().is_some_and(|guard| !guard.is_shared());
        let keep = if alone {
            Keep::WithServer
        } else {
            Keep::WhileInUse
        };

        // Files are copied in half the time their pages are logged in, if checkpoints cost nothing.
        let strategy = self.guard.is_some().then_some("STRATEGY file_copy");
        let loopback = self.loopback.as_ref().map(|(_, address)| address.clone());
        let source = format!("TEMPLATE {template} {}", strategy.unwrap_or_default());

        Database::create(&self.address, loopback, hint, &source, keep).await
    }

    /// The database `family_version_name`, whose content `make` makes once for all processes: they
    /// wait for each other. `make` gets the URL of an empty database; if it fails, the next one begins
    /// anew. Make copies with [`Template::database`].
    ///
    /// The content must be a function of the three. When this one is made, each database whose name
    /// begins with `family_` and goes on with another version is dropped, unless it is in the making.
    /// All three have lower-case letters, digits and `_`, 61 bytes together, and the first begins with
    /// a letter.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] if the server refuses; whatever `make` returns.
    pub async fn template<E: From<Error>>(
        &self,
        family: &str,
        version: &str,
        name: &str,
        make: impl AsyncFnOnce(String) -> Result<(), E>,
    ) -> Result<Template<'_>, E> {
        let name = format!("{family}_{version}_{name}");
        template::make_once(self, &self.address, (family, version), &name, make).await?;
        Ok(Template::new(self, name))
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
    #[cfg(feature = "proxy")]
    pub(crate) fn upstream(&self) -> Result<Upstream, Error> {
        self.loopback
            .as_ref()
            .map_or(&self.address, |(_, address)| address)
            .upstream()
    }

    /// A password for `purpose`, such as a role's name. All processes that can log in as this server's
    /// administrator make the same one. If the server's URL holds a password, nobody else can.
    #[must_use]
    pub fn password(&self, purpose: &str) -> String {
        name::digest(&format!("{}\n{purpose}", self.address.url()))
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
