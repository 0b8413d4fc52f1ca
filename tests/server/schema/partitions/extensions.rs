//! Partitions that extensions make, and indexes that order: what the policies do there. `tests/works_with` has the server for it,
//! and runs these with its other tests.

use sea_orm::ConnectOptions;
use sea_orm_rls::RlsConnection;

use super::{Events, PARTITIONED, entities, finds};
use crate::schema::text;

#[tokio::test]
#[ignore = "needs pg_partman: tests/works_with"]
async fn partition_of_partman_is_closed_unless_it_inherits_privileges() {
    let events = Events::new(PARTITIONED).await;
    events
        .run(
            "CREATE SCHEMA IF NOT EXISTS partman; CREATE EXTENSION IF NOT EXISTS pg_partman SCHEMA partman;
             SELECT partman.create_parent('public.event', 'year', '2', p_premake := 2,
                                          p_start_partition := '2028')",
        )
        .await;
    events.fill("event", 2028).await;
    events.assert_seen("event", 20).await;
    events.assert_closed("event_p2028").await;
    assert!(!finds(&events.report().await, "RLS310", "event_p2028"));

    events.fill("event", 2030).await;
    events
        .run(
            "UPDATE partman.part_config SET inherit_privileges = true;
             SELECT partman.run_maintenance('public.event')",
        )
        .await;
    events.fill("event", 2034).await;
    assert_eq!(events.seen("event_p2034").await.unwrap().len(), 20, "open");
    assert!(finds(&events.report().await, "RLS310", "event_p2034"));
    events.assert_seen("event", 40).await;
}

#[tokio::test]
#[ignore = "needs TimescaleDB: tests/works_with"]
async fn chunk_is_reached_by_its_name_until_it_is_revoked() {
    let create = "CREATE EXTENSION timescaledb;
        CREATE TABLE event (id int, year int, owner_id uuid NOT NULL, PRIMARY KEY (id, year));
        SELECT create_hypertable('event', by_range('year', 1))";
    let events = Events::new(create).await;
    events.fill("event", 2027).await;
    events.assert_seen("event", 20).await;

    let chunk = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event'::regclass LIMIT 1";
    let chunk = text(&events.owner, chunk).await;
    assert_eq!(events.seen(&chunk).await.unwrap().len(), 20, "open");
    let name = chunk.rsplit('.').next().unwrap();
    assert!(finds(&events.report().await, "RLS310", name));

    // The finding's remedy. The next chunk has the hypertable's grants again.
    let app = events.config.app_role();
    events
        .run(&format!("REVOKE ALL ON {chunk} FROM \"{app}\""))
        .await;
    events.assert_closed(&chunk).await;
    assert!(!finds(&events.report().await, "RLS310", name));
    events.fill("event", 2028).await;
    events.assert_seen("event", 30).await;
    let last =
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event'::regclass
                ORDER BY inhrelid DESC LIMIT 1";
    let last = text(&events.owner, last).await;
    assert_eq!(events.seen(&last).await.unwrap().len(), 20, "open");
}

/// Ann has 20 of 6020 rows, none of them near the place that is asked for.
#[tokio::test]
#[ignore = "needs pgvector: tests/works_with"]
async fn vector_index_leaves_rows_out_unless_it_goes_on_or_the_owner_is_named() {
    let table =
        "CREATE TABLE event (id int, year int, owner_id uuid NOT NULL, PRIMARY KEY (id, year))";
    let events = Events::new(table).await;
    events
        .run(&format!(
            "CREATE EXTENSION IF NOT EXISTS vector; ALTER TABLE event ADD place vector(4);
             INSERT INTO event SELECT n, 2027, '{}', array(SELECT random() FROM generate_series(1, 4) WHERE n > 0)::vector
               FROM generate_series(1, 6000) n;
             UPDATE event SET place = '[9,9,9,9]' WHERE year = 2026;
             CREATE INDEX ON event USING hnsw (place vector_l2_ops); ANALYZE event",
            super::BOB
        ))
        .await;
    let nearest =
        |condition: &str| format!("event {condition} ORDER BY place <-> '[0,0,0,0]' LIMIT 10");
    assert!(events.seen(&nearest("")).await.unwrap().is_empty());
    let named = format!("WHERE owner_id = '{}'", super::ANN);
    events.assert_seen(&nearest(&named), 10).await;

    let app = events.config.app_role();
    events
        .run(&format!(
            "ALTER ROLE \"{app}\" SET hnsw.iterative_scan = 'strict_order'"
        ))
        .await;
    let options = ConnectOptions::new(events.database.url());
    let db = RlsConnection::connect_with(options, events.config.clone(), entities());
    let again = Events {
        db: db.await.unwrap(),
        ..events
    };
    again.assert_seen(&nearest(""), 10).await;
}
