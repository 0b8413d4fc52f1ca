//! A project after `cargo rls init`, whose test keeps its text: what it wrote compiles, and protects
//! the rows that are there.

#[rustfmt::skip]
#[path = "../../../rls-init/tests/after/migration/src/m20220101_000001_create_table.rs"]
mod create_table;
#[rustfmt::skip]
#[path = "../../../rls-init/tests/after/entity/src/lib.rs"]
#[allow(unused_imports, reason = "a project has a prelude")]
mod entity;

use sea_orm::{ConnectionTrait, EntityTrait};
use sea_orm_migration::MigratorTraitSelf;
use sea_orm_migration::prelude::*;
use sea_orm_rls::migration::RlsMigrator;
use sea_orm_rls::{
    Registry, RlsConfig, RlsConnection, RlsError, RlsSchema, ScopedConnection, UserContext,
    registry,
};
use uuid::Uuid;

use crate::schema::database;
use entity::{comment, mood, page, task, user};

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(create_table::Migration)]
    }
}

fn entities() -> Registry {
    registry![user::Entity, task::Entity, comment::Entity, page::Entity].unwrap()
}

async fn counts(mine: &ScopedConnection) -> [usize; 4] {
    [
        user::Entity::find().all(mine).await.unwrap().len(),
        task::Entity::find().all(mine).await.unwrap().len(),
        comment::Entity::find().all(mine).await.unwrap().len(),
        page::Entity::find().all(mine).await.unwrap().len(),
    ]
}

#[tokio::test]
async fn project_after_init_keeps_existing_rows_apart() {
    let (database, owner) = database().await;
    <Migrator as MigratorTrait>::up(&owner, None).await.unwrap();
    let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
    for (number, user) in [(1, ann), (2, bob)] {
        let rows = format!(
            "INSERT INTO \"user\" VALUES ('{user}', '{number}@example.org');
             INSERT INTO task VALUES ({number}, 'a task', '{user}');
             INSERT INTO comment VALUES ({number}, {number}, 'a comment');
             INSERT INTO page VALUES ({number}, '{user}', 'a page')"
        );
        owner.execute_unprepared(&rows).await.unwrap();
    }

    let config = RlsConfig::new()
        .app_login(&database.role("app"), "app password")
        .unwrap()
        .admin_login(&database.role("admin"), "admin password")
        .unwrap();
    RlsMigrator::with(Migrator, entities(), config.clone())
        .up(&owner, None)
        .await
        .unwrap();
    let plan = RlsSchema::new(entities(), config.clone())
        .plan(&owner)
        .await
        .unwrap();
    assert_eq!(plan.to_string(), "");

    let db = RlsConnection::connect_with(database.url(), config, entities())
        .await
        .unwrap();
    for user in [ann, bob] {
        assert_eq!(counts(&db.scope(UserContext::new(user))).await, [1; 4]);
    }
    assert_eq!(counts(&db.anonymous()).await, [0; 4]);

    // What was left to decide stays closed.
    let hers = db.scope(UserContext::new(ann));
    let refused = RlsError::from(mood::Entity::find().all(&hers).await.unwrap_err());
    assert!(
        matches!(refused, RlsError::MissingGrant { .. }),
        "{refused}"
    );
}
