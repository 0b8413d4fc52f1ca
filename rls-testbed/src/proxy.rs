//! A proxy between a test's connections and the server: it delays, counts, holds and cuts.

mod conversation;
mod counter;
mod delay;
mod framing;
mod gate;
mod link;
mod log;
mod upstream;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use counter::{Counter, Flight, Message};

use crate::{Error, Server};
use gate::Gate;
use link::{Link, Shared};
use log::Log;
pub(crate) use upstream::Upstream;

/// A proxy on the loopback in front of a server; connect through
/// [`Database::proxy_url_as`](crate::Database).
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use sqlx::{Connection, Executor, PgConnection};
///
/// let server = rls_testbed::server()?;
/// let database = server.database("docs").await?;
/// let app = database.role("app");
/// database.execute(&format!("CREATE ROLE {app} LOGIN PASSWORD 'secret'")).await?;
///
/// let proxy = rls_testbed::Proxy::to(server).recording().start()?;
/// let mut connection = PgConnection::connect(&database.proxy_url_as(proxy.address(), &app, "secret")).await?;
/// proxy.reset();
/// connection.execute("BEGIN; SET LOCAL app.user_id = '1'").await?;
/// let counter = proxy.counter();
/// assert_eq!(counter.round_trips(), 1);
/// assert_eq!(counter.sent('Q'), 1);
/// assert_eq!(counter.flights()[0].to_string(), "Q BEGIN; SET LOCAL app.user_id = '1'");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// It reads the messages of connections that are not encrypted; others pass uncounted. Dropping it
/// cuts them all.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    links: Arc<Mutex<Vec<Weak<Link>>>>,
    stopping: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

/// What a proxy is to be like; made by [`Proxy::to`].
#[derive(Clone, Debug)]
pub struct ProxyBuilder {
    upstream: Result<Upstream, Error>,
    one_way: Duration,
    recording: bool,
}

impl ProxyBuilder {
    /// Delays every byte by half of this in each direction, from when it was read. No delay unless
    /// told.
    ///
    /// A round trip costs this and what the loopback and the threads of the proxy take, 0.05 to 0.2
    /// ms. Bytes under way do not delay those behind them.
    #[must_use]
    pub fn round_trip(mut self, round_trip: Duration) -> Self {
        self.one_way = round_trip / 2;
        self
    }

    /// Keeps the flights with the texts of their statements, for [`Counter::flights`].
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.recording = true;
        self
    }

    /// Listens on a free port of 127.0.0.1, with four threads for each connection.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::DatabaseUrl`] for a URL that sqlx cannot read.
    pub fn start(self) -> Result<Proxy, Error> {
        let upstream = self.upstream?;
        let at = Path::new("127.0.0.1");
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::io("listen on", at))?;
        let address = listener.local_addr().map_err(Error::io("listen on", at))?;
        let shared = Arc::new(Shared {
            one_way: self.one_way,
            gate: Gate::default(),
            log: Mutex::new(Log::new(self.recording)),
        });

        let links = Arc::<Mutex<Vec<Weak<Link>>>>::default();
        let stopping = Arc::new(AtomicBool::new(false));
        let accept = {
            let (shared, links, stopping) = (
                Arc::clone(&shared),
                Arc::clone(&links),
                Arc::clone(&stopping),
            );
            move || accept(&listener, &upstream, &shared, &links, &stopping)
        };

        let named = thread::Builder::new().name("proxy".to_owned());
        let listener = named
            .spawn(accept)
            .map_err(Error::io("start a thread for", at))?;

        Ok(Proxy {
            address,
            shared,
            links,
            stopping,
            listener: Some(listener),
        })
    }
}

/// A client whose connection is refused upstream finds it closed.
fn accept(
    listener: &TcpListener,
    upstream: &Upstream,
    shared: &Arc<Shared>,
    links: &Mutex<Vec<Weak<Link>>>,
    stopping: &AtomicBool,
) {
    for (number, client) in listener.incoming().enumerate() {
        if stopping.load(Ordering::Acquire) {
            return;
        }

        let connected = client.and_then(|client| {
            client.set_nodelay(true)?;
            Ok((client, upstream.connect()?))
        });

        if let Ok((client, server)) = connected {
            // Locked before anything is forwarded: a connection that a client has is one that `cut`
            // ends.
            let mut links = links.lock().unwrap_or_else(PoisonError::into_inner);
            links.retain(|link| link.strong_count() > 0);

            if let Ok(link) = Link::start(number, client, server, shared) {
                links.push(Arc::downgrade(&link));
            }
        }
    }
}

impl Proxy {
    /// A proxy in front of this server: at its port if it has one, else at its socket.
    #[must_use]
    pub fn to(server: &Server) -> ProxyBuilder {
        ProxyBuilder {
            upstream: server.upstream(),
            one_way: Duration::ZERO,
            recording: false,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What went through since the start or the last [`Proxy::reset`].
    #[must_use]
    pub fn counter(&self) -> Counter {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .counter()
    }

    /// Counts from zero. What answers an earlier message makes no round trip.
    pub fn reset(&self) {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .reset();
    }

    /// Forwards nothing more, in neither direction, and keeps what comes for [`Proxy::release`].
    pub fn hold(&self) {
        self.shared.gate.hold(true, true);
    }

    /// Forwards requests, and keeps the server's answers for [`Proxy::release`]: the server acts,
    /// and the client does not learn of it.
    pub fn hold_answers(&self) {
        self.shared.gate.hold(false, true);
    }

    /// Forwards what was held, and everything from now on.
    pub fn release(&self) {
        self.shared.gate.hold(false, false);
    }

    /// Forwards nothing more on the connections that there are, and leaves them open: both sides
    /// wait, as after a cable is pulled. New connections are forwarded.
    pub fn strand(&self) {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|link| link.strand());
    }

    /// Closes all connections at once, on both sides, and forgets what was under way or held; how
    /// many there were.
    ///
    /// New connections are taken.
    #[allow(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn cut(&self) -> usize {
        let links = std::mem::take(&mut *self.links.lock().unwrap_or_else(PoisonError::into_inner));
        let cut = links
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|link| link.cut())
            .count();

        self.shared.gate.wake();
        cut
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);

        // Wakes the listener, which then ends.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(listener) = self.listener.take()
            && woken
        {
            let _ended = listener.join();
        }

        self.cut();
    }
}
