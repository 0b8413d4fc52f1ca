//! What the policies cost at scale, against an explicit `WHERE` on a twin table without row
//! security: `cargo bench --bench policy`.
//!
//! Only the statements are timed, within open transactions; what a transaction costs is the other
//! bench's. `-- --quick` takes fewer rows, words after `--` choose sections by their titles,
//! `BENCH_SECONDS` is the time for one comparison, `BENCH_ROWS` and `BENCH_GROWTH` are the rows of
//! the tables and of the largest one of others' rows. In full the server needs about 4.5 GB of
//! memory or disk. Client and server share one processor, if the system lets them, and talk by
//! TCP: on a socket the server wakes its client by taking a message too, the more often the longer
//! it then takes to answer.
#![allow(
    unnameable_types,
    reason = "SeaORM generates traits in private modules"
)]
#![allow(
    unreachable_pub,
    reason = "a bench exports nothing: its items are for its own modules"
)]

mod bound;
mod entity;
mod growth;
mod measured;
mod owner;
mod side;
mod work;
mod world;

use harness::{Options, machine, one_processor, section};
use measured::Measured;
use owner::Owner;
use tokio::runtime::Runtime;
use work::WORK;
use world::World;

fn main() {
    one_processor();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async { tokio::spawn(run()).await.unwrap() });
}

async fn run() {
    let options = Options::read(0.5, 5.0);
    let world = World::new(&options).await;
    println!(
        "# Policies\n\n{}{}",
        machine(&world.version()),
        options.effort.remark()
    );

    let mut measured = Measured::default();
    for owner in Owner::ALL {
        let title = format!("{owner}, of {} rows", world.rows());
        if options.wants(&title) {
            section(
                &title,
                measured.compare(&world, owner, &WORK, &options).await,
            );
        }
    }

    let title = "rows of others";
    if options.wants(title) {
        section(title, growth::table(&world, &options, &mut measured).await);
    }

    let title = "references that stay with their owner";
    if options.wants(title) {
        section(title, bound::table(&world, &options, &mut measured).await);
    }

    measured.targets().print(&options);
}
