//! What was measured, as tables and against what is aimed at.

use std::sync::atomic::{AtomicUsize, Ordering};

use harness::{Options, Pace, Strategy, Table, Target, Targets, ratio, take_turns, time};

use crate::owner::Owner;
use crate::side::Side;
use crate::work::{Kind, Work};
use crate::world::World;

#[derive(Default)]
pub struct Measured {
    targets: Targets,
}

impl Measured {
    /// Runs each statement on both sides, in turn.
    pub async fn compare(
        &mut self,
        world: &World,
        owner: Owner,
        works: &[Work],
        options: &Options,
    ) -> Table {
        let (plain, scoped) = (world.plain().await, world.scoped().await);
        let (keys, key) = (world.keys(owner).await, owner.key());
        let mut table = Table::new(&[
            "",
            "WHERE, median",
            "scoped, median",
            "ratio",
            "WHERE, p99",
            "scoped, p99",
        ]);

        for work in works {
            let turn = AtomicUsize::new(0);
            let run = async |side: &Side| {
                // Two sides take a turn each with the same row.
                let row = keys[turn.fetch_add(1, Ordering::Relaxed) / 2 % keys.len()];
                side.run(side.prepare(work, key, row), key).await
            };

            let (expected, answer) = (run(&plain).await.1, run(&scoped).await.1);
            assert!(
                expected == answer && expected.first() > Some(&0),
                "{}: {expected:?}, {answer:?}",
                work.name
            );

            let sides = [
                Strategy::new("WHERE", || async { run(&plain).await.0 }),
                Strategy::new("scoped", || async { run(&scoped).await.0 }),
            ];

            // A plan is kept after five runs.
            let warm_up = if work.kind == Kind::Write { 1 } else { 8 };
            let [plain, scoped] = take_turns(&sides, Pace::of(options, warm_up, 5))
                .await
                .try_into()
                .unwrap();

            if work.kind == Kind::Write {
                world.clean().await;
            }

            let ratio = ratio(&scoped, &plain);
            table.row([
                work.name.to_owned(),
                time(plain.median()),
                time(scoped.median()),
                format!("{ratio:.2}"),
                time(plain.p99()),
                time(scoped.p99()),
            ]);

            if work.kind == Kind::IndexedRead {
                self.aim(Target::at_most(
                    &format!("{}, {owner}: to WHERE", work.name),
                    1.05,
                    ratio,
                ));
            }
        }

        table
    }

    pub fn aim(&mut self, target: Target) {
        self.targets.add(target);
    }

    pub fn targets(&self) -> &Targets {
        &self.targets
    }
}
