//! What a proxy has counted, as a test reads it.

use std::collections::BTreeMap;
use std::fmt;

/// Messages and round trips of all connections, as the clients saw them; a value that no longer
/// changes.
///
/// Not counted are those that open a connection, up to the first `ReadyForQuery`. A client's
/// message counts when it is read from the client, whether it reached the server or not; a server's
/// when it is passed to the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    pub(super) connections: usize,
    pub(super) round_trips: usize,
    pub(super) sent: BTreeMap<char, usize>,
    pub(super) received: BTreeMap<char, usize>,
    pub(super) flights: Vec<Flight>,
}

impl Counter {
    /// How many connections became ready.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// How often a client sent something, one message or several, and then got the first of its
    /// answers.
    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.round_trips
    }

    /// How many messages of this type byte clients sent: `Q` for Query, `P` for Parse, `S` for
    /// Sync.
    #[must_use]
    pub fn sent(&self, kind: char) -> usize {
        self.sent.get(&kind).copied().unwrap_or_default()
    }

    /// How many messages clients sent.
    #[must_use]
    pub fn sent_total(&self) -> usize {
        self.sent.values().sum()
    }

    /// How many messages of this type byte the server sent: `Z` for `ReadyForQuery`, `E` for
    /// `ErrorResponse`.
    #[must_use]
    pub fn received(&self, kind: char) -> usize {
        self.received.get(&kind).copied().unwrap_or_default()
    }

    /// Each round trip with its messages, in the order in which they began, those without an answer
    /// too; empty unless [`ProxyBuilder::recording`](crate::ProxyBuilder::recording).
    #[must_use]
    pub fn flights(&self) -> &[Flight] {
        &self.flights
    }

    /// The texts of all Query messages, in order; empty unless recording.
    pub fn queries(&self) -> impl Iterator<Item = &str> {
        let messages = self.flights.iter().flat_map(Flight::messages);
        messages
            .filter(|message| message.kind == 'Q')
            .filter_map(Message::sql)
    }
}

/// What one client sent before it got an answer, and the answer. Displayed as its messages:
/// `Q ROLLBACK, S`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    pub(super) connection: usize,
    pub(super) messages: Vec<Message>,
    pub(super) answers: String,
}

impl Flight {
    /// The connection, numbered from 0 in the order in which the proxy took them.
    #[must_use]
    pub fn connection(&self) -> usize {
        self.connection
    }

    /// The client's messages.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The type bytes of the server's messages; empty if none has come.
    #[must_use]
    pub fn answers(&self) -> &str {
        &self.answers
    }
}

impl fmt::Display for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, message) in self.messages.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }

            message.fmt(f)?;
        }

        Ok(())
    }
}

/// A client's message. Displayed as its type byte and its SQL, if it has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub(super) kind: char,
    pub(super) sql: Option<String>,
}

impl Message {
    /// The type byte.
    #[must_use]
    pub fn kind(&self) -> char {
        self.kind
    }

    /// The SQL of a Query or a Parse.
    #[must_use]
    pub fn sql(&self) -> Option<&str> {
        self.sql.as_deref()
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sql {
            Some(sql) => write!(f, "{} {sql}", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}
