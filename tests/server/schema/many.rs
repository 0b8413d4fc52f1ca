//! A registry of more tables than the server has room for locks.

use sea_orm::Database;
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::{RlsError, RlsSchema};

use super::{items, text};
use crate::fixture::config;

const TABLES: usize = 200;

#[tokio::test]
async fn sync_of_too_many_tables_says_which_setting_is_too_small() {
    let server = testbed::Server::builder()
        .own()
        .setting("max_locks_per_transaction", "10")
        .setting("max_connections", "20")
        .start()
        .unwrap();
    let database = server.database("many").await.unwrap();
    let owner = Database::connect(database.url()).await.unwrap();
    let entities = items(&owner, TABLES).await;
    let schema = RlsSchema::new(entities, config(&database));
    let error = schema.sync(&owner).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::TooManyLocks { .. })),
        "{error}"
    );
    assert!(
        error.to_string().contains("max_locks_per_transaction"),
        "{error}"
    );
    let left = "SELECT count(*)::text FROM pg_policy";
    assert_eq!(text(&owner, left).await, "0");
}
