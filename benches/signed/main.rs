//! What signed contexts cost, against contexts that are not signed: `cargo bench --bench signed`.
//!
//! Two databases of one server with the same rows, whose sides take turns. `-- --quick` gives rough
//! numbers, words after `--` choose sections by their titles, `BENCH_SECONDS` is the time for one
//! section, `BENCH_ROWS` are the rows of the table that is read whole.
#![allow(
    unnameable_types,
    reason = "SeaORM generates traits in private modules"
)]
#![allow(
    unreachable_pub,
    reason = "a bench exports nothing: its items are for its own modules"
)]

mod side;

use std::time::Duration;

use harness::{Options, Pace, Strategy, machine, ratio, section, take_turns, time, timed};
use sea_orm::DbErr;
use side::Side;
use testbed::{Proxy, Server};

const ROUND_TRIP: Duration = Duration::from_millis(1);

/// A piece of work, and the ratio that it may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Read,
    Newest,
    Insert,
    Scan,
}

impl Work {
    const ALL: [Self; 4] = [Self::Read, Self::Newest, Self::Insert, Self::Scan];

    fn title(self) -> &'static str {
        match self {
            Self::Read => "an indexed read of ten rows",
            Self::Newest => "the newest 20 of 1,000 rows",
            Self::Insert => "10,000 inserts in one statement",
            Self::Scan => "a full scan of all users' rows",
        }
    }

    async fn once(self, side: &Side) -> Result<(), DbErr> {
        match self {
            Self::Read => side.read().await,
            Self::Newest => side.newest().await,
            Self::Insert => side.insert().await,
            Self::Scan => side.scan().await,
        }
    }
}

#[tokio::main]
async fn main() {
    tokio::spawn(run()).await.unwrap();
}

async fn run() {
    let options = Options::read(1.0, 20.0);
    let rows = options.rows("BENCH_ROWS", 2_000, 200_000, 2_000_000);
    let server = Server::builder()
        .own()
        .tcp()
        .setting("autovacuum", "off")
        .start()
        .unwrap();
    println!(
        "# Signed contexts\n\n{}{}",
        machine(server.version().unwrap_or("PostgreSQL")),
        options.effort.remark()
    );

    let proxy = Proxy::to(&server).round_trip(ROUND_TRIP).start().unwrap();
    for far in [false, true] {
        let address = far.then(|| proxy.address());
        let plain = Side::new(&server, address, false, rows).await;
        let signed = Side::new(&server, address, true, rows).await;
        let link = if far { "1 ms round trip" } else { "loopback" };

        for work in Work::ALL {
            let title = format!("{}, {link}", work.title());
            let counts = !far || work == Work::Read;
            if counts && options.wants(&title) {
                section(&title, compare(&plain, &signed, work, &options).await);
            }
        }
    }
}

async fn compare(plain: &Side, signed: &Side, work: Work, options: &Options) -> String {
    let strategies = [
        Strategy::new("contexts that are not signed", || timed(work.once(plain))),
        Strategy::new("signed contexts", || timed(work.once(signed))),
    ];
    let samples = take_turns(&strategies, Pace::of(options, 20, 20)).await;
    let line = |at: usize| {
        format!(
            "| {} | {} | {} | {:.3} |\n",
            strategies[at].name(),
            time(samples[at].median()),
            time(samples[at].p99()),
            ratio(&samples[at], &samples[0])
        )
    };

    format!(
        "| | median | p99 | ratio |\n|---|---:|---:|---:|\n{}{}\n{} rounds\n",
        line(0),
        line(1),
        samples[0].count()
    )
}
