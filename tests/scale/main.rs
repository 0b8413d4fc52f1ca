//! Where one server ends: poolers, load balancers and failover, started from Debian's packages on
//! ports of their own, and gone afterwards.
//!
//! ```sh
//! cargo test --test scale                  # all, with 60 s of load for each row of the table
//! cargo test --test scale -- pgbouncer 10  # one engine, with 10 s
//! cargo test --test scale -- patroni 5 2x  # with two failovers
//! ```
#![allow(
    unreachable_pub,
    unnameable_types,
    dead_code,
    reason = "nothing is outside of a test; the fixture of the server tests has more than is used"
)]

mod bouncer;
mod cluster;
#[path = "../server/lane/drop_after.rs"]
mod drop_after;
#[path = "../server/fixture.rs"]
mod fixture;
mod home;
mod load;
mod patroni;
mod pgpool;
mod release;
mod rows;
mod suite;
mod table;

use std::env;
use std::process::ExitCode;

use suite::Suite;

const SECONDS: u64 = 60;

const FAILOVERS: u32 = 10;

const ENGINES: [&str; 3] = ["pgbouncer", "pgpool", "patroni"];

#[tokio::main]
async fn main() -> ExitCode {
    let mut suite = Suite {
        seconds: SECONDS,
        failovers: FAILOVERS,
    };
    let mut engines = Vec::new();
    for argument in env::args().skip(1) {
        if let Ok(seconds) = argument.parse() {
            suite.seconds = seconds;
        } else if let Some(Ok(failovers)) = argument.strip_suffix('x').map(str::parse) {
            suite.failovers = failovers;
        } else if ENGINES.contains(&argument.as_str()) {
            engines.push(argument);
        } else {
            eprintln!(
                "`{argument}` is none of {ENGINES:?}, no number of seconds, and no number of failovers"
            );
            return ExitCode::FAILURE;
        }
    }

    release::unpack();
    let wanted = |engine: &str| engines.is_empty() || engines.iter().any(|named| named == engine);
    let mut rows = Vec::new();
    if wanted("pgbouncer") {
        rows.extend(Box::pin(bouncer::run(&suite)).await);
    }
    if wanted("pgpool") {
        rows.extend(Box::pin(pgpool::run(&suite)).await);
    }
    if wanted("patroni") {
        rows.extend(Box::pin(patroni::run(&suite)).await);
    }

    if table::print(&rows) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
