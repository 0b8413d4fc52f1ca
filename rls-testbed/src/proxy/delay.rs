//! Waiting until an instant, to a few microseconds.

use std::thread;
use std::time::{Duration, Instant};

/// A sleep ends late by a time that depends on the machine: 5 to 100 µs, half of it Linux's timer
/// slack. So it is begun early by what nine of ten sleeps of this thread were late, and the rest is
/// spun.
pub(super) struct Waiter {
    early: Duration,
}

const LATER: Duration = Duration::from_micros(9);
const SOONER: Duration = Duration::from_micros(1);
const MOST: Duration = Duration::from_micros(200);

impl Waiter {
    pub(super) fn new() -> Self {
        Self {
            early: Duration::from_micros(100),
        }
    }

    pub(super) fn wait_until(&mut self, due: Instant) {
        let sleep = due
            .saturating_duration_since(Instant::now())
            .saturating_sub(self.early);
        if !sleep.is_zero() {
            thread::sleep(sleep);

            // One step up weighs nine down: this settles where one sleep of ten is later than
            // `early`.
            self.early = if Instant::now() > due {
                self.early + LATER
            } else {
                self.early.saturating_sub(SOONER)
            };
            self.early = self.early.min(MOST);
        }

        while Instant::now() < due {
            std::hint::spin_loop();
        }
    }
}
