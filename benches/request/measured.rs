//! What was measured, as tables and against what is aimed at.

use std::collections::HashMap;
use std::sync::Arc;

use harness::{
    Options, Pace, Samples, Strategy, Table, Target, Targets, median, ratio, take_turns, time,
};

use crate::session::Session;
use crate::throughput::{self, TASKS, WAYS};
use crate::way::Way;
use crate::work::Work;
use crate::world::{Link, World};

#[derive(Default)]
pub struct Measured {
    times: HashMap<(Work, Link, Way), Samples>,
    rates: HashMap<(Link, Way), f64>,
}

impl Measured {
    /// Times a piece of work all ways.
    pub async fn time(&mut self, session: &Session, work: Work, options: &Options) -> Table {
        let ways = work.ways();
        let strategies: Vec<_> = ways
            .iter()
            .map(|&way| Strategy::new(way.to_string(), move || work.once(way, session)))
            .collect();

        let samples = take_turns(&strategies, Pace::of(options, 40, 20)).await;
        let mut table = Table::new(&["", "round trips", "median", "p99", "to the first"]);

        for (strategy, own) in strategies.iter().zip(&samples) {
            strategy.once().await;

            let counts = session.link() == Link::OneMillisecond && work.is_alone();
            let round_trips = if counts {
                session.round_trips().to_string()
            } else {
                String::new()
            };

            let ratio = format!("{:.2}", ratio(own, &samples[0]));

            table.row([
                strategy.name().to_owned(),
                round_trips,
                time(own.median()),
                time(own.p99()),
                ratio,
            ]);
        }

        for (&way, samples) in ways.iter().zip(samples) {
            self.times.insert((work, session.link(), way), samples);
        }

        table
    }

    /// Counts the reads that all ways get done.
    pub async fn count(&mut self, world: &Arc<World>, link: Link, options: &Options) -> Table {
        let session = Arc::new(Session::open(world, link, TASKS).await);
        let rates = throughput::rates(&session, options)
            .await
            .into_iter()
            .map(median);

        self.rates.extend(
            WAYS.into_iter()
                .zip(rates)
                .map(|(way, rate)| ((link, way), rate)),
        );

        let mut table = Table::new(&["", "reads a second", "to the first"]);
        for way in WAYS {
            let rate = self.rates[&(link, way)];
            table.row([
                way.to_string(),
                format!("{rate:.0}"),
                format!("{:.2}", rate / self.rates[&(link, WAYS[0])]),
            ]);
        }

        table
    }

    /// Those for which all that it takes was measured.
    pub fn targets(&self) -> Targets {
        use Link::{Loopback, OneMillisecond};
        use Way::{Admin, AdminTransaction, Pinged, Plain, Scoped};
        use Work::{AdminRead, Insert, Read, Reads, Transaction};

        let mut targets = Targets::default();
        for (work, link, way, to, limit) in [
            (Read, OneMillisecond, Scoped, Plain, 1.03),
            (Read, OneMillisecond, Scoped, Pinged, 1.00),
            (Insert, OneMillisecond, Scoped, Plain, 1.05),
            (Reads, OneMillisecond, Scoped, Plain, 1.04),
            (Transaction, OneMillisecond, Scoped, Plain, 1.03),
            (AdminRead, OneMillisecond, Admin, AdminTransaction, 0.40),
            (Read, Loopback, Scoped, Plain, 1.12),
            (Insert, Loopback, Scoped, Plain, 1.18),
            (Transaction, Loopback, Scoped, Plain, 1.05),
        ] {
            let of = |way| self.times.get(&(work, link, way));
            if let (Some(ours), Some(other)) = (of(way), of(to)) {
                targets.add(Target::at_most(
                    &format!("{work}, {link}: to {to}"),
                    limit,
                    ratio(ours, other),
                ));
            }
        }

        for link in Link::ALL {
            let of = |way| self.rates.get(&(link, way));
            if let (Some(scoped), Some(plain)) = (of(Scoped), of(Plain)) {
                let what = format!("reads a second, {TASKS} tasks, {link}: to {Plain}");
                targets.add(Target::at_least(&what, 0.97, scoped / plain));
            }
        }

        targets
    }
}
