//! Partitions and children: under the parent's policies, closed to statements that name them, and so at every moment while they
//! come and go. Each test is a line of the table in `partitions.md`.

mod extensions;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection};
use sea_orm_rls::doctor::{Doctor, Report};
use sea_orm_rls::{Registry, RlsConfig, RlsConnection, RlsSchema, UserContext, registry};
use uuid::Uuid;

use super::{database, text, texts};
use crate::fixture::config;

#[allow(dead_code, reason = "SeaORM generates more than each test uses")]
mod event {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "event")]
    #[user_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub year: i32,
        pub owner_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const ANN: Uuid = Uuid::from_u128(1);
const BOB: Uuid = Uuid::from_u128(2);

const PARTITIONED: &str =
    "CREATE TABLE event (id int, year int, owner_id uuid NOT NULL, PRIMARY KEY (id, year))
       PARTITION BY RANGE (year);
     CREATE TABLE event_2026 PARTITION OF event FOR VALUES FROM (2026) TO (2027)";

struct Events {
    config: RlsConfig,
    owner: DatabaseConnection,
    db: RlsConnection,
    database: testbed::Database,
}

fn entities() -> Registry {
    registry![event::Entity].unwrap()
}

impl Events {
    /// With ten rows of each user in 2026.
    async fn new(create: &str) -> Self {
        let (database, owner) = database().await;
        owner.execute_unprepared(create).await.unwrap();
        let config = config(&database);
        let rls = RlsSchema::new(entities(), config.clone());
        rls.sync(&owner).await.unwrap();
        assert!(rls.plan(&owner).await.unwrap().is_empty());

        let mut options = ConnectOptions::new(database.url());
        options.max_connections(2);
        let db = RlsConnection::connect_with(options, config.clone(), entities());
        let db = db.await.unwrap();
        let events = Self {
            config,
            owner,
            db,
            database,
        };
        events.fill("event", 2026).await;
        events
    }

    async fn run(&self, sql: &str) {
        self.owner.execute_unprepared(sql).await.unwrap();
    }

    /// Ten rows of each user.
    async fn fill(&self, table: &str, year: i32) {
        self.run(&format!(
            "INSERT INTO {table} SELECT n, {year}, owner FROM generate_series(1, 20) n,
               LATERAL (SELECT CASE WHEN n % 2 = 0 THEN '{ANN}'::uuid ELSE '{BOB}'::uuid END AS owner) o"
        ))
        .await;
    }

    /// Whose rows Ann reads from a relation; the error's text if she may not.
    async fn seen(&self, relation: &str) -> Result<Vec<String>, String> {
        let ann = self.db.scope(UserContext::new(ANN));
        let sql = format!("SELECT owner_id::text FROM {relation}");
        let sql = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
        let rows = ann
            .query_all_raw(sql)
            .await
            .map_err(|error| error.to_string())?;
        Ok(rows
            .iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect())
    }

    async fn assert_seen(&self, relation: &str, count: usize) {
        assert_eq!(
            self.seen(relation).await.unwrap(),
            vec![ANN.to_string(); count]
        );
    }

    async fn assert_closed(&self, relation: &str) {
        let refused = self.seen(relation).await.unwrap_err();
        assert!(
            refused.contains("42501") || refused.contains("permission denied"),
            "{refused}"
        );
    }

    async fn report(&self) -> Report {
        let doctor = Doctor::new(entities(), self.config.clone());
        doctor.examine(&self.owner).await.unwrap()
    }

    fn grant(&self, table: &str) -> String {
        format!("GRANT SELECT ON {table} TO \"{}\"", self.config.app_role())
    }
}

fn finds(report: &Report, rule: &str, object: &str) -> bool {
    let mut found = report.findings().iter();
    found.any(|finding| finding.rule.id == rule && finding.object.ends_with(object))
}

#[tokio::test]
async fn new_partition_is_under_the_policies_and_closed_by_name() {
    let events = Events::new(PARTITIONED).await;
    events.assert_seen("event", 10).await;
    events.assert_closed("event_2026").await;

    events
        .run("CREATE TABLE event_2027 PARTITION OF event FOR VALUES FROM (2027) TO (2028)")
        .await;
    events.fill("event", 2027).await;
    events.assert_seen("event", 20).await;
    events.assert_closed("event_2027").await;
    assert!(!finds(&events.report().await, "RLS310", "event_2027"));

    let rls = RlsSchema::new(entities(), events.config.clone());
    assert!(rls.plan(&events.owner).await.unwrap().is_empty());
    let index = "SELECT count(*)::text FROM pg_index WHERE indrelid = 'event_2027'::regclass AND indkey[0] = 3";
    assert_eq!(text(&events.owner, index).await, "1", "the owner's");
}

#[tokio::test]
async fn partition_that_default_privileges_open_is_found() {
    let events = Events::new(PARTITIONED).await;
    let app = events.config.app_role();
    events
        .run(&format!(
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO \"{app}\";
             CREATE TABLE event_2027 PARTITION OF event FOR VALUES FROM (2027) TO (2028)"
        ))
        .await;
    events.fill("event", 2027).await;
    assert_eq!(events.seen("event_2027").await.unwrap().len(), 20, "open");
    assert!(finds(&events.report().await, "RLS310", "event_2027"));
}

/// Ann reads while a partition comes and goes fifty times: her rows of 2026, or those of 2027 too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_come_and_go_without_a_gap() {
    let events = Arc::new(Events::new(PARTITIONED).await);
    events.run("CREATE TABLE event_2027 (LIKE event)").await;
    events.fill("event_2027", 2027).await;

    let (done, more) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let watcher = {
        let (events, done, more) = (Arc::clone(&events), Arc::clone(&done), Arc::clone(&more));
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let seen = events.seen("event").await.unwrap();
                assert!(
                    seen.iter().all(|owner| *owner == ANN.to_string()),
                    "{seen:?}"
                );
                assert!([10, 20].contains(&seen.len()), "{}", seen.len());
                more.fetch_add(u64::from(seen.len() == 20), Ordering::Relaxed);
                events.assert_closed("event_2027").await;
            }
        })
    };

    for turn in 0..50 {
        events
            .run("ALTER TABLE event ATTACH PARTITION event_2027 FOR VALUES FROM (2027) TO (2028)")
            .await;
        events.assert_seen("event", 20).await;
        let concurrently = if turn % 2 == 0 { "" } else { "CONCURRENTLY" };
        events
            .run(&format!(
                "ALTER TABLE event DETACH PARTITION event_2027 {concurrently}"
            ))
            .await;
    }
    done.store(true, Ordering::Relaxed);
    watcher.await.unwrap();
    assert!(more.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn children_are_under_the_policies_and_closed_by_name() {
    let table =
        "CREATE TABLE event (id int, year int, owner_id uuid NOT NULL, PRIMARY KEY (id, year))";
    let events = Events::new(table).await;
    events
        .run("CREATE TABLE old_event () INHERITS (event)")
        .await;
    events.fill("old_event", 2020).await;
    events.assert_seen("event", 20).await;
    events.assert_closed("old_event").await;

    // A table that had its grants before.
    events.run("CREATE TABLE older (LIKE event)").await;
    events.fill("older", 2010).await;
    events.run(&events.grant("older")).await;
    events.run("ALTER TABLE older INHERIT event").await;
    assert!(finds(&events.report().await, "RLS310", "older"));
    events.assert_seen("event", 30).await;
}

/// The SQL of the manual.
#[tokio::test]
async fn event_trigger_closes_each_new_partition() {
    let events = Events::new(PARTITIONED).await;
    let page = include_str!("../../../docs/manual/partitions.md");
    let (_, block) = page.split_once("```sql\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    events.run(block).await;

    let app = events.config.app_role();
    events
        .run(&format!(
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO \"{app}\""
        ))
        .await;
    events
        .run("CREATE TABLE event_2027 PARTITION OF event FOR VALUES FROM (2027) TO (2028)")
        .await;
    events
        .run(
            "CREATE TABLE event_2028 (LIKE event);
              ALTER TABLE event ATTACH PARTITION event_2028 FOR VALUES FROM (2028) TO (2029)",
        )
        .await;
    events
        .run("CREATE TABLE event_late PARTITION OF event FOR VALUES FROM (2029) TO (2040) PARTITION BY RANGE (year);
              CREATE TABLE event_2030 PARTITION OF event_late FOR VALUES FROM (2030) TO (2031)")
        .await;

    for (table, year) in [
        ("event_2027", 2027),
        ("event_2028", 2028),
        ("event_2030", 2030),
    ] {
        events.fill("event", year).await;
        assert_eq!(
            events.seen(table).await.unwrap(),
            Vec::<String>::new(),
            "{table}"
        );
    }
    events.assert_seen("event", 40).await;

    // What is no partition stays as it was.
    events.run("CREATE TABLE other (id int)").await;
    let closed = "SELECT relname::text FROM pg_class WHERE relrowsecurity ORDER BY 1";
    assert_eq!(
        texts(&events.owner, closed).await,
        [
            "event",
            "event_2026",
            "event_2027",
            "event_2028",
            "event_2030",
            "event_late"
        ]
    );
    let _keeps = &events.database;
}
