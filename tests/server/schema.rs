//! The schema lane on a server: what stands in the catalog afterwards, and what is refused before.

mod alike;
mod bound;
mod breaking;
mod catalog;
mod deadlock;
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

/// The entities of the benchmark.
#[path = "../../benches/schema/entity.rs"]
mod entity;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_rls::Registry;
use sea_orm_rls::entity::Declaration;

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

/// The server's major version.
pub async fn version(db: &impl ConnectionTrait) -> i32 {
    let version = text(db, "SHOW server_version_num").await;
    version.parse::<i32>().unwrap() / 10_000
}

/// A fresh database, and a login that may do everything in it.
pub async fn database() -> (testbed::Database, DatabaseConnection) {
    let database = testbed::server().unwrap().database("schema").await.unwrap();
    let owner = sea_orm::Database::connect(database.url()).await.unwrap();
    (database, owner)
}

/// Makes the tables of as many entities that are alike, and registers them.
async fn items(owner: &DatabaseConnection, count: usize) -> Registry {
    let users = "CREATE TABLE \"user\" (id uuid PRIMARY KEY)";
    owner.execute_unprepared(users).await.unwrap();

    let mut declarations = vec![Declaration::identity::<entity::user::Entity>()];
    for at in 0..count {
        let create = format!("CREATE TABLE {} (id uuid PRIMARY KEY)", entity::name(at));
        owner.execute_unprepared(&create).await.unwrap();
        entity::item::use_table(entity::name(at));
        let declaration = Declaration::owned_in_table::<entity::item::Entity>("owner_id");
        declarations.push(declaration);
    }
    Registry::new(declarations).unwrap()
}
