//! The service under load, and the same service without row security and with a `WHERE` in each
//! statement: `cargo bench -p tasks-api --bench load`.
//!
//! `autocannon`, from npm (it needs `node` and `npm`), plays 1,000 users on 32 connections against
//! a pool of 8, and looks at each answer: an error, or a row of anybody else, ends the run. The
//! services take turns, 30 seconds each, or `BENCH_SECONDS`; `-- --quick` gives rough numbers.
//! Service, clients and PostgreSQL share the machine.

#![allow(
    unreachable_pub,
    reason = "a bench exports nothing: its items are for its own modules"
)]

mod clients;
mod plain;
mod world;

use harness::{Effort, Options, Order, Table, Target, Targets, machine, median, section};

use clients::{Clients, Run};
use world::{Kind, World};

const ROUNDS: usize = 3;

#[tokio::main]
async fn main() {
    let options = Options::read(5.0, 30.0);
    let clients = Clients::install();
    let mut worlds = Vec::new();

    for kind in Kind::ALL {
        worlds.push(World::new(kind).await);
    }

    let version = worlds[0].version();
    println!(
        "# A service under load\n\n{}{}",
        machine(&version),
        options.effort.remark()
    );
    clients.notice_foreign_rows(&worlds[0]).await;

    let seconds = options.budget.as_secs().max(1);
    let mut runs: Vec<Vec<Run>> = worlds.iter().map(|_| Vec::new()).collect();
    let mut order = Order::new(worlds.len());

    for round in 0..if options.effort == Effort::Smoke {
        1
    } else {
        ROUNDS + 1
    } {
        for &at in order.next() {
            // The first round is short, and not counted: connections open, plans settle.
            let run = clients
                .run(
                    &worlds[at],
                    if round == 0 { seconds.min(3) } else { seconds },
                )
                .await;

            if round > 0 || options.effort == Effort::Smoke {
                runs[at].push(run);
            }
        }
    }

    report(&worlds, &runs, &options);
}

fn report(worlds: &[World], runs: &[Vec<Run>], options: &Options) {
    let of = |runs: &[Run], value: fn(&Run) -> f64| median(runs.iter().map(value).collect());
    let rates: Vec<f64> = runs.iter().map(|runs| of(runs, |run| run.rate)).collect();
    let mut table = Table::new(&[
        "32 clients, 1,000 users, pool of 8",
        "requests a second",
        "to the first",
        "median",
        "p99",
        "answers checked",
    ]);

    for ((world, runs), rate) in worlds.iter().zip(runs).zip(&rates) {
        table.row([
            world.kind.to_string(),
            format!("{rate:.0}"),
            format!("{:.2}", rate / rates[0]),
            format!("{:.0} ms", of(runs, |run| run.median)),
            format!("{:.0} ms", of(runs, |run| run.p99)),
            runs.iter().map(|run| run.checked).sum::<u64>().to_string(),
        ]);
    }

    section(
        "Requests",
        format!("{table}\nNo error, and no row of anybody else."),
    );

    let mut targets = Targets::default();
    targets.add(Target::at_least(
        "with row security: requests a second, to the same without",
        0.92,
        rates[1] / rates[0],
    ));
    targets.print(options);
}
