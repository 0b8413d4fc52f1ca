//! Whether bytes may pass, by direction.

use std::sync::{Condvar, Mutex, PoisonError};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ToServer,
    ToClient,
}

#[derive(Debug, Default)]
pub(super) struct Gate {
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Held {
    requests: bool,
    answers: bool,
}

impl Gate {
    pub(super) fn hold(&self, requests: bool, answers: bool) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Held { requests, answers };
        self.changed.notify_all();
    }

    /// Lets those who wait ask again whether they still have to.
    pub(super) fn wake(&self) {
        // Under the lock, so that nobody is between asking and waiting.
        let _held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.notify_all();
    }

    /// Waits until bytes may pass this way and are not `stranded`, or `given_up`.
    pub(super) fn pass(
        &self,
        direction: Direction,
        stranded: impl Fn() -> bool,
        given_up: impl Fn() -> bool,
    ) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |held: &mut Held| {
            let closed = match direction {
                Direction::ToServer => held.requests,
                Direction::ToClient => held.answers,
            };
            (closed || stranded()) && !given_up()
        };

        drop(self.changed.wait_while(held, waits));
    }
}
