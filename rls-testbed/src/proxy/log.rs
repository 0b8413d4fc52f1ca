//! Counting, over all connections of a proxy.

use std::collections::HashMap;
use std::mem;

use super::counter::{Counter, Flight, Message};

#[derive(Debug)]
pub(super) struct Log {
    recording: bool,
    counter: Counter,
    /// The last flight of each connection.
    last: HashMap<usize, Last>,
}

#[derive(Debug)]
struct Last {
    /// Where it is recorded.
    flight: Option<usize>,
    answered: bool,
}

impl Log {
    pub(super) fn new(recording: bool) -> Self {
        Self {
            recording,
            counter: Counter::default(),
            last: HashMap::new(),
        }
    }

    pub(super) fn counter(&self) -> Counter {
        self.counter.clone()
    }

    pub(super) fn reset(&mut self) {
        mem::take(&mut self.counter);
        self.last.clear();
    }

    pub(super) fn connected(&mut self) {
        self.counter.connections += 1;
    }

    pub(super) fn sent(&mut self, connection: usize, kind: char, body: &[u8]) {
        *self.counter.sent.entry(kind).or_default() += 1;

        let last = self
            .last
            .get(&connection)
            .filter(|last| !last.answered)
            .map(|last| last.flight);

        let flight = last.unwrap_or_else(|| {
            let flight = self.recording.then_some(self.counter.flights.len());
            if self.recording {
                self.counter.flights.push(Flight {
                    connection,
                    messages: Vec::new(),
                    answers: String::new(),
                });
            }

            self.last.insert(
                connection,
                Last {
                    flight,
                    answered: false,
                },
            );
            flight
        });

        if let Some(flight) = flight {
            self.counter.flights[flight].messages.push(Message {
                kind,
                sql: sql(kind, body),
            });
        }
    }

    pub(super) fn answered(&mut self, connection: usize, kind: char) {
        *self.counter.received.entry(kind).or_default() += 1;

        let Some(last) = self.last.get_mut(&connection) else {
            return;
        };
        if !mem::replace(&mut last.answered, true) {
            self.counter.round_trips += 1;
        }

        if let Some(flight) = last.flight {
            self.counter.flights[flight].answers.push(kind);
        }
    }
}

/// A Query is its text; a Parse has a name before it.
fn sql(kind: char, body: &[u8]) -> Option<String> {
    let at = match kind {
        'Q' => 0,
        'P' => 1,
        _ => return None,
    };

    body.split(|byte| *byte == 0)
        .nth(at)
        .map(|text| String::from_utf8_lossy(text).into_owned())
}
