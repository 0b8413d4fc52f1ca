//! How a read of the same rows grows with the rows of others.

use harness::{Options, Pace, Strategy, Table, Target, ratio, take_turns, time};
use sea_orm::{DbBackend, Statement};

use crate::measured::Measured;
use crate::owner::Owner;
use crate::side::{Prepared, Side};
use crate::work::Kind;
use crate::world::{OTHERS, World};

const READS: [(&str, &str, &str); 2] = [
    ("newest 20", "*", "ORDER BY created_at DESC LIMIT 20"),
    ("count of 1,000", "count(*)", ""),
];

/// All tables take turns, so that what else grows with time does not count.
pub async fn table(world: &World, options: &Options, measured: &mut Measured) -> Table {
    let (bypassing, scoped) = (world.bypassing().await, world.scoped().await);
    let mut table = Table::new(&[
        "",
        "others' rows",
        "WHERE, median",
        "scoped, median",
        "scoped, p99",
        "growth",
    ]);

    let own = Owner::Heavy.key();
    for (name, columns, rest) in READS {
        let run = async |side: &Side, from: &str| {
            let (condition, owner) = match side {
                Side::Plain(_) => ("WHERE owner_id = $1", Some(own.into())),
                Side::Scoped(_) => ("", None),
            };

            let sql = format!("SELECT {columns} FROM {from} {condition} {rest}");
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, owner);

            side.run(
                Prepared {
                    before: "",
                    kind: Kind::IndexedRead,
                    statement,
                },
                own,
            )
            .await
            .0
        };

        let (run, bypassing, scoped) = (&run, &bypassing, &scoped);
        let strategies: Vec<_> = OTHERS
            .into_iter()
            .flat_map(|(from, _)| {
                [bypassing, scoped]
                    .map(|side| Strategy::new(from, move || async move { run(side, from).await }))
            })
            .collect();

        let samples = take_turns(&strategies, Pace::of(options, 8, 5)).await;

        for (pair, (_, part)) in samples.chunks(2).zip(OTHERS) {
            let growth = ratio(&pair[1], &samples[1]);
            let [plain, scoped] = [&pair[0], &pair[1]];
            table.row([
                name.to_owned(),
                (world.others() / part).to_string(),
                time(plain.median()),
                time(scoped.median()),
                time(scoped.p99()),
                format!("{growth:.2}"),
            ]);

            if part == 1 {
                let (least, most) = (world.others() / OTHERS[0].1, world.others());
                let what = format!("scoped {name}: {most} rows of others to {least}");
                measured.aim(Target::at_most(&what, 1.15, growth));
            }
        }
    }

    table
}
