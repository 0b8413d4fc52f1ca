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
        use Way::{ByHand, Pinged, Plain};
        use Work::{Insert, Read, Transaction};

        let mut targets = Targets::default();
        for (work, link, to, limit) in [
            (Read, OneMillisecond, Plain, 1.90),
            (Read, OneMillisecond, Pinged, 1.06),
            (Read, OneMillisecond, ByHand, 0.55),
            (Insert, OneMillisecond, Pinged, 1.55),
            (Transaction, OneMillisecond, Pinged, 1.00),
            (Transaction, OneMillisecond, Plain, 1.03),
            (Read, Loopback, Plain, 1.45),
            (Transaction, Loopback, Plain, 1.05),
        ] {
            let of = |way| self.times.get(&(work, link, way));
            if let (Some(scoped), Some(other)) = (of(Way::Scoped), of(to)) {
                targets.add(Target::at_most(
                    &format!("{work}, {link}: to {to}"),
                    limit,
                    ratio(scoped, other),
                ));
            }
        }

        for link in Link::ALL {
            let of = |way| self.rates.get(&(link, way));
            if let (Some(scoped), Some(by_hand)) = (of(Way::Scoped), of(ByHand)) {
                let what = format!("reads a second, {TASKS} tasks, {link}: to {ByHand}");
                targets.add(Target::at_least(&what, 1.40, scoped / by_hand));
            }
        }

        targets
    }
}
