//! What millions of scoped statements leave in memory: `cargo bench --bench long`, alone. It prints
//! the memory of this process and of the server's sessions on the way.
//!
//! `BENCH_STATEMENTS` is how many, `-- --quick` a tenth. Needs Linux, and a user that may read
//! `/proc` of the server's processes.
#![allow(
    unnameable_types,
    reason = "SeaORM generates traits in private modules"
)]
#![allow(
    unreachable_pub,
    dead_code,
    reason = "the modules of the bench `request` hold more than this one uses"
)]

#[path = "../request/entity.rs"]
mod entity;
mod memory;
#[path = "../request/world.rs"]
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use entity::task;
use harness::{Options, Table, machine, section};
use memory::Memory;
use sea_orm::sea_query::Expr;
use sea_orm::{
    AccessMode, ColumnTrait, ConnectOptions, ConnectionTrait, DbBackend, DbErr, EntityTrait,
    QueryFilter, QueryOrder, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_rls::{AdminContext, RlsConnection, UserContext};
use world::{Link, World, entities, reader};

const TASKS: usize = 4;

/// After how many statements memory is read; the first when all is warm.
const MARKS: [u64; 9] = [
    10_000, 100_000, 500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000, 7_500_000, 10_000_000,
];

#[tokio::main]
async fn main() {
    tokio::spawn(run()).await.unwrap();
}

async fn run() {
    let options = Options::read(0.0, 0.0);
    let all = options.rows("BENCH_STATEMENTS", 1_000, 1_000_000, 10_000_000);
    let world = World::new().await;
    println!(
        "# Long run\n\n{}{}",
        machine(&world.version()),
        options.effort.remark()
    );

    let connections = u32::try_from(TASKS).unwrap();
    let mut pool = ConnectOptions::new(world.url(Link::Loopback));
    // The same sessions from the first to the last statement.
    pool.min_connections(connections)
        .max_connections(connections)
        .max_lifetime(None)
        .idle_timeout(None);
    let db = RlsConnection::connect_with(pool, world.config().clone(), entities())
        .await
        .unwrap();

    let began = Instant::now();
    let mut table = Table::new(&Memory::HEADER);
    let marks = MARKS.into_iter().filter(|&mark| mark < all).chain([all]);
    let done = AtomicU64::new(0);
    for mark in marks {
        let work = (0..TASKS).map(|_| until(mark, &done, &db));
        futures_util::future::try_join_all(work).await.unwrap();
        let memory = Memory::read(&db).await;
        let seconds = began.elapsed().as_secs();
        eprintln!("{mark} statements after {seconds} s: {memory:?}");
        table.row(memory.row(mark, seconds));
    }
    section("four tasks, four sessions, as a service", table);
}

/// Runs statements, until all tasks together have run this many.
async fn until(mark: u64, done: &AtomicU64, db: &RlsConnection) -> Result<(), DbErr> {
    loop {
        let number = done.fetch_add(1, Ordering::Relaxed);
        if number >= mark {
            done.fetch_sub(1, Ordering::Relaxed);
            return Ok(());
        }
        let statements = once(number, db).await?;
        done.fetch_add(statements - 1, Ordering::Relaxed);
    }
}

/// One piece of a service's work for one of ten thousand users, and how many statements it was.
async fn once(number: u64, db: &RlsConnection) -> Result<u64, DbErr> {
    let scope = db.scope(UserContext::new(reader(number)));
    // A text that comes once: what a cache of statements or of texts must let go again.
    let once = format!("SELECT {number} AS n");

    match number % 16 {
        0 => {
            let text = Statement::from_string(DbBackend::Postgres, once);
            scope.query_one_raw(text).await?;
        }
        1 => {
            scope.execute_unprepared(&once).await?;
        }
        2 => {
            task::Entity::update_many()
                .col_expr(task::Column::Title, Expr::val(format!("task {number}")))
                .filter(task::Column::Rank.eq(3))
                .exec(&scope)
                .await?;
        }
        3 => {
            let transaction = scope.begin().await?;
            task::Entity::find().all(&transaction).await?;
            task::Entity::find()
                .order_by_asc(task::Column::Rank)
                .one(&transaction)
                .await?;
            transaction.commit().await?;
            return Ok(2);
        }
        4 => {
            let transaction = scope
                .begin_with_options(TransactionOptions {
                    access_mode: Some(AccessMode::ReadOnly),
                    ..Default::default()
                })
                .await?;
            task::Entity::find().all(&transaction).await?;
            transaction.rollback().await?;
        }
        5 if (number / 16).is_multiple_of(64) => {
            let context = AdminContext::new("carol", "looks at one").unwrap();
            let admin = db.admin(context);
            task::Entity::find()
                .order_by_asc(task::Column::Id)
                .one(&admin)
                .await?;
        }
        _ => {
            task::Entity::find().all(&scope).await?;
        }
    }

    Ok(1)
}
