//! What the schema lane costs on many tables, and how that grows: `cargo bench --bench schema`.
//!
//! Absolute times, since there is nothing to compare them with: the first application of all
//! policies, a plan that is empty, a sync that changes nothing, the gate at start-up, and the
//! doctor. Each for `BENCH_TABLES` tables, 500 if unset, and for ten times as many. Then a table of
//! 1,000 partitions, and a read of one tenant's rows, as the tenants grow to 100,000. Words after
//! `--` choose sections by their titles.

#![allow(
    unnameable_types,
    reason = "SeaORM generates traits in private modules"
)]
#![allow(
    unreachable_pub,
    reason = "a bench exports nothing: its items are for its own modules"
)]

mod entity;
mod tenants;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use harness::{Options, machine, section, timed};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sea_orm_rls::doctor::{Doctor, Report, Severity};
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::schema::Plan;
use sea_orm_rls::{Registry, RlsConfig, RlsConnection, RlsError, RlsSchema};

/// How often what changes nothing is timed; the median counts.
const TIMES: usize = 5;

fn main() {
    tokio::runtime::Runtime::new().unwrap().block_on(run());
}

/// A piece of work, and how long it took.
type Row = (&'static str, Duration);

async fn run() {
    let options = Options::read(1.0, 20.0);
    // Room for the locks of a sync of 5,000 tables.
    let server = testbed::Server::builder()
        .own()
        .setting("max_locks_per_transaction", "1024");
    let server = server.start().unwrap();
    let version = server.version().unwrap_or("the server of DATABASE_URL");
    println!("# Growth\n\n{}", machine(version));

    let title = "many tables";
    if options.wants(title) {
        section(title, tables(&server).await);
    }

    let title = "1,000 partitions";
    if options.wants(title) {
        section(title, partitions(&server).await);
    }

    let title = "many tenants";
    if options.wants(title) {
        section(title, tenants::table(&server, &options).await);
    }
}

async fn tables(server: &testbed::Server) -> String {
    let few = std::env::var("BENCH_TABLES").map_or(500, |tables| tables.parse().unwrap());
    let many = 10 * few;
    let (of_few, of_many) = (measure(server, few).await, measure(server, many).await);

    let mut table = format!("| | {few} tables | {many} tables | growth |\n|---|---:|---:|---:|\n");
    for ((what, few), (_, many)) in of_few.into_iter().zip(of_many) {
        let growth = many.as_secs_f64() / few.as_secs_f64();
        let _infallible = writeln!(table, "| {what} | {few:.2?} | {many:.2?} | {growth:.1} |");
    }
    table
}

async fn measure(server: &testbed::Server, tables: usize) -> Vec<Row> {
    let database = server.database("schema_bench").await.unwrap();
    let owner = Database::connect(database.url()).await.unwrap();
    create(&owner, tables).await;

    let config = RlsConfig::new()
        .app_login(&database.role("app"), "app")
        .unwrap()
        .admin_login(&database.role("admin"), "admin")
        .unwrap();
    let registry = Registry::new(declarations(tables)).unwrap();
    let rls = RlsSchema::new(registry.clone(), config.clone());
    let doctor = Doctor::new(registry.clone(), config.clone());

    let first = timed(Box::pin(rls.sync(&owner))).await;
    let mut times: [Vec<Duration>; 5] = Default::default();
    for _ in 0..TIMES {
        let [plans, syncs, connects, checks, examinations] = &mut times;
        plans.push(timed(Box::pin(empty(rls.plan(&owner)))).await);
        syncs.push(timed(Box::pin(empty(rls.sync(&owner)))).await);

        let connect = RlsConnection::connect_with(database.url(), config.clone(), registry.clone());
        let begun = Instant::now();
        let db = Box::pin(connect).await.unwrap();
        connects.push(begun.elapsed());
        checks.push(timed(Box::pin(db.check_gate())).await);
        db.close().await;

        examinations.push(timed(Box::pin(healthy(doctor.examine(&owner)))).await);
    }

    let names = [
        "plan, empty",
        "sync, nothing to change",
        "connect: login and gate",
        "gate and audit alone, asked again",
        "doctor, the plan included",
    ];
    let rest = names.into_iter().zip(times.map(median));
    [("first sync", first)].into_iter().chain(rest).collect()
}

/// A table of 1,000 partitions: the columns, indexes and keys of all are made.
async fn partitions(server: &testbed::Server) -> String {
    let database = server.database("partitions_bench").await.unwrap();
    let owner = Database::connect(database.url()).await.unwrap();
    let create = format!(
        "CREATE TABLE \"user\" (id uuid PRIMARY KEY);
         CREATE TABLE {} (id uuid PRIMARY KEY, title text) PARTITION BY HASH (id)",
        entity::name(0)
    );
    owner.execute_unprepared(&create).await.unwrap();
    for at in 0..1_000 {
        let partition = format!(
            "CREATE TABLE part_{at} PARTITION OF {} FOR VALUES WITH (MODULUS 1000, REMAINDER {at})",
            entity::name(0)
        );
        owner.execute_unprepared(&partition).await.unwrap();
    }

    let config = RlsConfig::new()
        .app_login(&database.role("app"), "app")
        .unwrap()
        .admin_login(&database.role("admin"), "admin")
        .unwrap();
    let rls = RlsSchema::new(Registry::new(declarations(1)).unwrap(), config);
    let first = timed(Box::pin(rls.sync(&owner))).await;
    let plan = timed(Box::pin(empty(rls.plan(&owner)))).await;
    format!("| | time |\n|---|---:|\n| first sync | {first:.2?} |\n| plan, empty | {plan:.2?} |\n")
}

async fn empty(plan: impl Future<Output = Result<Plan, RlsError>>) -> Result<(), RlsError> {
    assert!(plan.await?.is_empty());
    Ok(())
}

/// The doctor only hints at what everyone may do by default.
async fn healthy(report: impl Future<Output = Result<Report, RlsError>>) -> Result<(), RlsError> {
    let report = report.await?;
    let mut findings = report.findings().iter();
    assert!(findings.all(|finding| finding.severity == Severity::Hint));
    Ok(())
}

async fn create(owner: &DatabaseConnection, tables: usize) {
    owner
        .execute_unprepared(r#"CREATE TABLE "user" (id uuid PRIMARY KEY)"#)
        .await
        .unwrap();
    for at in 0..tables {
        let sql = format!(
            "CREATE TABLE {} (id uuid PRIMARY KEY, title text, made timestamptz)",
            entity::name(at)
        );
        owner.execute_unprepared(&sql).await.unwrap();
    }
}

fn declarations(tables: usize) -> Vec<Declaration> {
    let mut declarations = vec![Declaration::identity::<entity::user::Entity>()];
    for at in 0..tables {
        entity::item::use_table(entity::name(at));
        declarations.push(Declaration::owned_in_table::<entity::item::Entity>(
            "owner_id",
        ));
    }

    declarations
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
