//! The pieces of work, each of which is timed over every link.

use std::fmt;
use std::time::Duration;

use crate::session::Session;
use crate::way::Way;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    Read,
    Insert,
    Transaction,
    Reads,
    AdminRead,
}

impl Work {
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Insert,
        Self::Transaction,
        Self::Reads,
        Self::AdminRead,
    ];

    /// The ways that differ for this work; the first is what the others are compared to.
    pub fn ways(self) -> &'static [Way] {
        match self {
            Self::Read | Self::Insert => &[
                Way::Plain,
                Way::Pinged,
                Way::Transaction,
                Way::ByHand,
                Way::Scoped,
            ],
            Self::Transaction => &[Way::Plain, Way::Pinged, Way::ByHand, Way::Scoped],
            Self::Reads => &[
                Way::Plain,
                Way::Pinged,
                Way::ByHand,
                Way::Scoped,
                Way::ScopedTransaction,
            ],
            Self::AdminRead => &[Way::Plain, Way::AdminTransaction, Way::Admin],
        }
    }

    /// Whether all round trips are those that it waits for: among several statements of a pool's
    /// there are also those with which the pool takes connections back.
    pub fn is_alone(self) -> bool {
        self != Self::Reads
    }

    pub async fn once(self, way: Way, session: &Session) -> Duration {
        match self {
            Self::Read => session.alone(way.read(session)).await,
            Self::Insert => session.alone(way.insert(session)).await,
            Self::Transaction => session.alone(way.five(session)).await,
            Self::Reads => session.alone(way.reads(session, 5)).await,
            Self::AdminRead => session.alone(way.admin_read(session)).await,
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "one indexed read of 10 rows",
            Self::Insert => "one insert",
            Self::Transaction => "a transaction of five statements",
            Self::Reads => "five reads of one request",
            Self::AdminRead => "an administrator's read of 10 rows with its record",
        })
    }
}
