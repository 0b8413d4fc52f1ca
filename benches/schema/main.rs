//! What the schema lane costs on many tables: `cargo bench --bench schema`.
//!
//! Absolute times, since there is nothing to compare them with: the first application of all
//! policies, a plan that is empty, a sync that changes nothing, the gate at start-up, and the
//! doctor. `BENCH_TABLES` is how many tables; 500 if unset.

#![allow(
    unreachable_pub,
    reason = "a bench exports nothing: its items are for its own modules"
)]

mod entity;

use std::time::{Duration, Instant};

use harness::machine;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sea_orm_rls::doctor::Doctor;
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::{Registry, RlsConfig, RlsConnection, RlsSchema};

/// How often what changes nothing is timed; the median counts.
const TIMES: usize = 5;

fn main() {
    tokio::runtime::Runtime::new().unwrap().block_on(run());
}

async fn run() {
    let tables = std::env::var("BENCH_TABLES").map_or(500, |tables| tables.parse().unwrap());
    let server = testbed::server().unwrap();
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

    println!(
        "# Schema, {tables} tables\n\n{}",
        machine(server.version().unwrap_or("the server of DATABASE_URL"))
    );
    println!("\n| | time |\n|---|---:|");

    let begun = Instant::now();
    let plan = rls.sync(&owner).await.unwrap();
    row(
        &format!("first sync, {} changes", plan.changes().len()),
        begun.elapsed(),
    );

    let mut plans = Vec::new();
    let mut syncs = Vec::new();
    let mut connects = Vec::new();
    let mut checks = Vec::new();
    let mut examinations = Vec::new();
    let doctor = Doctor::new(registry.clone(), config.clone());

    for _ in 0..TIMES {
        let begun = Instant::now();
        assert!(rls.plan(&owner).await.unwrap().is_empty());
        plans.push(begun.elapsed());

        let begun = Instant::now();
        assert!(rls.sync(&owner).await.unwrap().is_empty());
        syncs.push(begun.elapsed());

        let begun = Instant::now();
        let db = RlsConnection::connect_with(database.url(), config.clone(), registry.clone())
            .await
            .unwrap();
        connects.push(begun.elapsed());

        let begun = Instant::now();
        db.check_gate().await.unwrap();
        checks.push(begun.elapsed());
        db.close().await;

        let begun = Instant::now();
        assert_eq!(
            doctor.examine(&owner).await.unwrap().findings().len(),
            2,
            "what everyone may do by default"
        );
        examinations.push(begun.elapsed());
    }

    row("plan, empty", median(plans));
    row("sync, nothing to change", median(syncs));
    row("connect: login and gate", median(connects));
    row("gate and audit alone, asked again", median(checks));
    row("doctor, the plan included", median(examinations));
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

fn row(what: &str, time: Duration) {
    println!("| {what} | {time:.2?} |");
}
