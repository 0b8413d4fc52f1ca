//! The schema lane on a server: what stands in the catalog afterwards, and what is refused before.

mod catalog;
mod distributed;
mod domain;
mod gate;
mod login;
mod many;
mod names;
mod online;
mod owner;
mod partitions;
mod refused;
mod sync;
mod taken;
mod versions;
mod whoever;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// The first column of every row, as text.
pub async fn texts(db: &impl ConnectionTrait, sql: &str) -> Vec<String> {
    let rows = db
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index::<String>(0).unwrap())
        .collect()
}

pub async fn text(db: &impl ConnectionTrait, sql: &str) -> String {
    texts(db, sql).await.join("\n")
}

/// A fresh database, and a login that may do everything in it.
pub async fn database() -> (testbed::Database, DatabaseConnection) {
    let database = testbed::server().unwrap().database("schema").await.unwrap();
    let owner = sea_orm::Database::connect(database.url()).await.unwrap();
    (database, owner)
}
