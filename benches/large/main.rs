//! What grows where one thing becomes large: a tenant, the levels of `via`, the settings that policies
//! read, a context: `cargo bench --bench large`, alone.
//!
//! `-- --quick` takes fewer rows, words after `--` choose sections by their titles, `BENCH_SECONDS`
//! is the time for one comparison, `BENCH_ROWS` are the rows of the largest owner. In full the server
//! needs 2 GB of disk.
#![allow(
    unnameable_types,
    reason = "SeaORM generates traits in private modules"
)]
#![allow(
    unreachable_pub,
    dead_code,
    reason = "a bench exports nothing, and does not use all of what SeaORM generates"
)]

mod context;
mod levels;
mod rows;
mod world;

use harness::{Options, machine, one_processor, section};
use tokio::runtime::Runtime;

fn main() {
    one_processor();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async { tokio::spawn(run()).await.unwrap() });
}

async fn run() {
    let options = Options::read(0.5, 10.0);
    let server = world::server();
    let version = server.version().unwrap_or("PostgreSQL");
    println!("# Large\n\n{}{}", machine(version), options.effort.remark());

    let title = "rows of one owner";
    if options.wants(title) {
        section(title, rows::table(&server, &options).await);
    }

    let title = "levels of `via`";
    if options.wants(title) {
        section(title, levels::table(&server, &options).await);
    }

    let title = "settings that policies read";
    if options.wants(title) {
        section(title, context::settings(&server, &options).await);
    }

    let title = "size of a context";
    if options.wants(title) {
        section(title, context::bytes(&server, &options).await);
    }
}
