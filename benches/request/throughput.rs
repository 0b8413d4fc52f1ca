//! How many reads a second some tasks get done at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{Effort, Options, Order};
use tokio::task::JoinSet;

use crate::session::Session;
use crate::way::Way;

pub const TASKS: u32 = 8;

/// The ways that are compared; the first is what the others are compared to.
pub const WAYS: [Way; 5] = [
    Way::Plain,
    Way::Pinged,
    Way::Transaction,
    Way::ByHand,
    Way::Scoped,
];

/// Reads a second of each way, a number for each of its turns.
pub async fn rates(session: &Arc<Session>, options: &Options) -> Vec<Vec<f64>> {
    let slice = Duration::from_millis(if options.effort == Effort::Full {
        200
    } else {
        50
    });

    let mut rates = vec![Vec::new(); WAYS.len()];
    let mut order = Order::new(WAYS.len());
    for &at in order.next() {
        rate(WAYS[at], session, slice).await;
    }

    let begun = Instant::now();
    while rates[0].is_empty() || begun.elapsed() < options.budget {
        for &at in order.next() {
            rates[at].push(rate(WAYS[at], session, slice).await);
        }
    }

    rates
}

async fn rate(way: Way, session: &Arc<Session>, slice: Duration) -> f64 {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();

    for _ in 0..TASKS {
        let session = Arc::clone(session);
        tasks.spawn(async move {
            let mut reads = 0_u32;
            while begun.elapsed() < slice {
                way.read(&session).await.unwrap();
                reads += 1;
            }

            reads
        });
    }

    let reads: u32 = tasks.join_all().await.into_iter().sum();
    f64::from(reads) / begun.elapsed().as_secs_f64()
}
