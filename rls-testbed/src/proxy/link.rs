//! One client's connection with its connection to the server: two threads a direction, so that what
//! is under way delays nothing behind it.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::conversation::Conversation;
use super::delay::Waiter;
use super::gate::{Direction, Gate};
use super::log::Log;
use super::upstream::Socket;

/// What all links of a proxy share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) one_way: Duration,
    pub(super) gate: Gate,
    pub(super) log: Mutex<Log>,
}

#[derive(Debug)]
pub(super) struct Link {
    client: Socket,
    server: Socket,
    conversation: Mutex<Conversation>,
    cut: AtomicBool,
    stranded: AtomicBool,
    shared: Arc<Shared>,
}

/// Bytes and when they are to go on.
struct Chunk {
    due: Instant,
    bytes: Vec<u8>,
}

impl Link {
    pub(super) fn start(
        number: usize,
        client: TcpStream,
        server: Socket,
        shared: &Arc<Shared>,
    ) -> io::Result<Arc<Self>> {
        let link = Arc::new(Self {
            client: Socket::Tcp(client),
            server,
            conversation: Mutex::new(Conversation::new(number)),
            cut: AtomicBool::new(false),
            stranded: AtomicBool::new(false),
            shared: Arc::clone(shared),
        });

        for direction in [Direction::ToServer, Direction::ToClient] {
            let (sender, receiver) = channel();
            let reader = Arc::clone(&link);
            thread::Builder::new()
                .name("proxy-read".to_owned())
                .spawn(move || reader.read(direction, &sender))?;

            let writer = Arc::clone(&link);

            thread::Builder::new()
                .name("proxy-write".to_owned())
                .spawn(move || writer.write(direction, &receiver))?;
        }

        Ok(link)
    }

    /// Closes both sides; whether they were open.
    pub(super) fn cut(&self) -> bool {
        let open = !self.cut.swap(true, Ordering::AcqRel);
        self.client.shutdown(Shutdown::Both);
        self.server.shutdown(Shutdown::Both);

        open
    }

    /// Forwards nothing more, and stays open.
    pub(super) fn strand(&self) {
        self.stranded.store(true, Ordering::Release);
    }

    fn pass(&self, direction: Direction) {
        let stranded = || self.stranded.load(Ordering::Acquire);
        self.shared.gate.pass(direction, stranded, || self.is_cut());
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    fn read(&self, direction: Direction, sender: &Sender<Chunk>) {
        let from = match direction {
            Direction::ToServer => &self.client,
            Direction::ToClient => &self.server,
        };

        let mut buffer = vec![0; 1 << 16];

        while let Ok(length) = from.read(&mut buffer) {
            let due = Instant::now() + self.shared.one_way;
            let bytes = buffer[..length].to_vec();
            if direction == Direction::ToServer {
                self.count(direction, &bytes);
            }

            if bytes.is_empty() || sender.send(Chunk { due, bytes }).is_err() {
                return;
            }
        }
    }

    fn write(&self, direction: Direction, receiver: &Receiver<Chunk>) {
        let to = match direction {
            Direction::ToServer => &self.server,
            Direction::ToClient => &self.client,
        };

        let mut waiter = Waiter::new();
        for chunk in receiver {
            waiter.wait_until(chunk.due);
            self.pass(direction);
            if self.is_cut() {
                return;
            }

            if direction == Direction::ToClient {
                // Counted where the client sees it: before, for its next message could come first
                // afterwards.
                self.count(direction, &chunk.bytes);
            }

            if to.write_all(&chunk.bytes).is_err() {
                // A server that is gone may have said why: that is still to be passed, and ends the
                // link.
                if direction == Direction::ToClient {
                    self.cut();
                }

                return;
            }
        }

        self.pass(direction);

        match direction {
            Direction::ToServer => to.shutdown(Shutdown::Write),
            // The server has closed: nothing that the client still sends is of use.
            Direction::ToClient => {
                self.cut();
            }
        }
    }

    fn count(&self, direction: Direction, bytes: &[u8]) {
        let mut conversation = self
            .conversation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);

        let mut log = self
            .shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner);

        match direction {
            Direction::ToServer => conversation.client_sent(bytes, &mut log),
            Direction::ToClient => conversation.server_answered(bytes, &mut log),
        }
    }
}
