//! Strategies that take turns.

use std::fmt;
use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::options::{Effort, Options};
use crate::samples::Samples;

type Turn<'a> = Pin<Box<dyn Future<Output = Duration> + Send + 'a>>;

/// One way to do a piece of work. Its turn does the work once and says how long the part took that
/// counts.
pub struct Strategy<'a> {
    name: String,
    turn: Box<dyn Fn() -> Turn<'a> + Send + Sync + 'a>,
}

impl<'a> Strategy<'a> {
    /// With this name and this turn.
    pub fn new<F>(name: impl Into<String>, turn: impl Fn() -> F + Send + Sync + 'a) -> Self
    where
        F: Future<Output = Duration> + Send + 'a,
    {
        Self {
            name: name.into(),
            turn: Box::new(move || Box::pin(turn())),
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes one turn.
    pub async fn once(&self) -> Duration {
        (self.turn)().await
    }
}

impl fmt::Debug for Strategy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strategy")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// How many rounds are taken.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Rounds that are not counted: connections open, statements are prepared, plans settle.
    pub warm_up: usize,
    /// Rounds that are taken even if the time is over.
    pub least: usize,
    /// Rounds are begun within this time.
    pub budget: Duration,
}

impl Pace {
    /// The pace for these options.
    #[must_use]
    pub fn of(options: &Options, warm_up: usize, least: usize) -> Self {
        match options.effort {
            Effort::Smoke => Self {
                warm_up: 0,
                least: 1,
                budget: Duration::ZERO,
            },
            Effort::Quick | Effort::Full => Self {
                warm_up,
                least,
                budget: options.budget,
            },
        }
    }
}

/// Rounds in each of which every strategy has one turn, in an order that is new each round, so that
/// none always comes after the same other.
pub async fn take_turns(strategies: &[Strategy<'_>], pace: Pace) -> Vec<Samples> {
    let mut samples = vec![Samples::default(); strategies.len()];
    let mut order = Order::new(strategies.len());

    for _ in 0..pace.warm_up {
        for &at in order.next() {
            strategies[at].once().await;
        }
    }

    let begun = Instant::now();
    let mut rounds = 0;

    while rounds < pace.least || begun.elapsed() < pace.budget {
        for &at in order.next() {
            samples[at].add(strategies[at].once().await);
        }

        rounds += 1;
    }

    samples
}

/// How long a future takes.
///
/// # Panics
///
/// Where it fails: a bench of what does not work says nothing.
pub async fn timed<T, E: fmt::Debug>(work: impl Future<Output = Result<T, E>>) -> Duration {
    let begun = Instant::now();
    work.await.unwrap();
    begun.elapsed()
}

/// Orders of some things, shuffled alike in every run.
#[derive(Clone, Debug)]
pub struct Order {
    order: Vec<usize>,
    state: u64,
}

impl Order {
    /// Of this many.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self {
            order: (0..count).collect(),
            state: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Another order.
    #[allow(
        clippy::should_implement_trait,
        reason = "what it lends is not an iterator's"
    )]
    pub fn next(&mut self) -> &[usize] {
        for last in (1..self.order.len()).rev() {
            let other = self.random(last + 1);
            self.order.swap(last, other);
        }

        &self.order
    }

    /// xorshift64; less than `bound`.
    fn random(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;

        usize::try_from(self.state % bound as u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_has_all_and_each_comes_first_at_times() {
        let mut order = Order::new(5);
        let mut first = [0; 5];

        for _ in 0..500 {
            let mut next = order.next().to_vec();
            first[next[0]] += 1;
            next.sort_unstable();
            assert_eq!(next, [0, 1, 2, 3, 4]);
        }

        assert!(first.iter().all(|&times| times > 60), "{first:?}");
    }
}
