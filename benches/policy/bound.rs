//! What a reference costs that stays with its owner, against a plain key.

use harness::{Options, Pace, Strategy, Table, Target, ratio, take_turns, time};
use sea_orm::{DbBackend, Statement};

use crate::measured::Measured;
use crate::owner::Owner;
use crate::side::Prepared;
use crate::work::Kind;
use crate::world::{PROJECTS, World};

const KEYS: [(&str, &str); 4] = [
    ("plain key", "item_by_plain"),
    ("key with the owner", "item_by_bound"),
    ("both keys", "item_by_both"),
    ("plain key and policy", "item_by_policy"),
];

/// All take turns with the same rows of the same owner, in one statement.
pub async fn table(world: &World, options: &Options, measured: &mut Measured) -> Table {
    let scoped = world.scoped().await;
    let own = Owner::Heavy.key();
    let run = async |table: &str| {
        let sql = format!(
            "INSERT INTO {table} (created_at, project_id)
             SELECT now(), 1 + n % {PROJECTS} FROM generate_series(1, 10000) n"
        );
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let prepared = Prepared {
            before: "",
            kind: Kind::Write,
            statement,
        };

        let (time, written) = scoped.run(prepared, own).await;
        assert_eq!(written, [10_000]);
        time
    };

    let run = &run;
    let strategies: Vec<_> = KEYS
        .into_iter()
        .map(|(name, table)| Strategy::new(name, move || async move { run(table).await }))
        .collect();
    let samples = take_turns(&strategies, Pace::of(options, 2, 5)).await;

    let mut table = Table::new(&["10,000 inserts", "median", "p99", "to the plain key"]);
    for ((name, _), sample) in KEYS.into_iter().zip(&samples) {
        let cost = ratio(sample, &samples[0]);
        table.row([
            name.to_owned(),
            time(sample.median()),
            time(sample.p99()),
            format!("{cost:.2}"),
        ]);

        if name == "key with the owner" {
            measured.aim(Target::at_most(
                "10,000 inserts, bound key to plain",
                1.10,
                cost,
            ));
        }
    }

    table
}
