//! What users see of each other because they share a role and its connections.

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Set, TransactionTrait};

use super::with_tasks;
use crate::fixture::{note, task};
use crate::schema::text;

/// limits.md: "advisory locks of a session".
#[tokio::test]
async fn advisory_lock_stays_with_the_pooled_connection_unless_a_transaction_has_it() {
    let (fixture, ..) = with_tasks(1).await;
    let held = "SELECT string_agg(objid::text, ',') FROM pg_locks
                WHERE locktype = 'advisory' AND pid = pg_backend_pid()";

    text(&fixture.ann(), "SELECT pg_advisory_lock(7)::text").await;
    text(&fixture.ann(), "SELECT pg_advisory_xact_lock(8)::text").await;
    assert_eq!(text(&fixture.bob(), held).await, "7");
}

/// limits.md: "what sessions of the same role see of each other".
#[tokio::test]
async fn sessions_of_the_role_tell_of_each_other() {
    let (fixture, hers, _) = with_tasks(1).await;
    let (ann, bob) = (fixture.ann(), fixture.bob());

    let note = note::ActiveModel {
        task_id: Set(hers.id),
        body: Set("ann's".to_owned()),
        ..Default::default()
    };
    let note = note.insert(&ann).await.unwrap();
    let last = text(&bob, "SELECT lastval()::text").await;
    assert_eq!(last, note.id.to_string());

    let prepared = "SELECT count(*)::text FROM pg_prepared_statements WHERE statement LIKE 'INSERT INTO \"note\"%'";
    assert_eq!(text(&bob, prepared).await, "1");

    let object = text(&ann, "SELECT lo_from_bytea(0, 'ann''s')::text").await;
    let read = format!("SELECT convert_from(lo_get({object}), 'UTF8')");
    assert_eq!(text(&bob, &read).await, "ann's");

    let transaction = fixture.connect_again().await;
    let transaction = transaction.scope(fixture.ann_context()).begin().await;
    let transaction = transaction.unwrap();
    transaction.execute_unprepared("SELECT 1").await.unwrap();
    let seen = format!(
        "SELECT count(*)::text FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%{}%'",
        fixture.ann
    );
    assert_eq!(text(&bob, &seen).await, "1");

    let rows = task::Entity::find().all(&bob).await.unwrap();
    assert_eq!(rows.len(), 1, "none of these is a row");
}
