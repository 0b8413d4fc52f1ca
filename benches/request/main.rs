//! What a scoped request costs against plain SeaORM: `cargo bench --bench request`.
//!
//! All strategies run in one process against one server, taking turns; over the loopback and over a
//! link whose round trip costs 1 ms. `-- --quick` gives rough numbers, words after `--` choose
//! sections by their titles, `BENCH_SECONDS` is the time for one section. `taskset -c 0`, if
//! there is one, takes the scheduler's part out of the ratios over the loopback: half of a round
//! trip there is waking up.
#![allow(
    unnameable_types,
    reason = "SeaORM generates traits in private modules"
)]
#![allow(
    unreachable_pub,
    reason = "a bench exports nothing: its items are for its own modules"
)]

mod entity;
mod measured;
mod session;
mod statement;
mod throughput;
mod way;
mod work;
mod world;

use std::sync::Arc;

use harness::{Options, machine, section, time};
use measured::Measured;
use session::Session;
use work::Work;
use world::{Link, World};

/// Of a strategy whose work is timed alone: what the pool does with a connection that it got back
/// is over when that one is next.
const CONNECTIONS: u32 = 4;

/// In a task of its own, as a server's requests are: the thread that blocks on `main` would be
/// woken for each answer.
#[tokio::main]
async fn main() {
    tokio::spawn(run()).await.unwrap();
}

async fn run() {
    let options = Options::read(1.0, 20.0);
    let world = Arc::new(World::new().await);
    println!(
        "# Requests\n\n{}{}",
        machine(&world.version()),
        options.effort.remark()
    );

    let mut measured = Measured::default();
    for link in Link::ALL {
        let session = Session::open(&world, link, CONNECTIONS).await;
        println!(
            "\n`SELECT 1` on an open connection, {link}: {}",
            time(session.least().await)
        );

        for work in Work::ALL {
            let title = format!("{work}, {link}");
            if options.wants(&title) {
                section(&title, measured.time(&session, work, &options).await);
            }
        }

        drop(session);

        let title = format!(
            "reads a second, {} tasks on as many connections, {link}",
            throughput::TASKS
        );

        if options.wants(&title) {
            section(&title, measured.count(&world, link, &options).await);
        }
    }

    measured.targets().print(&options);
}
