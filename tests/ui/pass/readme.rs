//! What README shows, as it shows it: each line of its Rust stands here, and so compiles.

use sea_orm::{ActiveModelTrait, ActiveValue, EntityTrait, Set, TransactionTrait};
use sea_orm_migration::prelude::*;
use sea_orm_rls::migration::{self as rls_migration, RlsMigrator};
use sea_orm_rls::{AdminContext, RlsConfig, RlsConnection, UserContext};
use uuid::Uuid;

#[rustfmt::skip]
mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)] // each row owns itself
    pub struct Model { #[sea_orm(primary_key, auto_increment = false)] pub id: Uuid, pub email: String }

    impl ActiveModelBehavior for ActiveModel {}
}

#[rustfmt::skip]
mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model] // adds `owner_id` and `owner`
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model { #[sea_orm(primary_key, auto_increment = false)] pub id: Uuid, pub title: String }

    impl ActiveModelBehavior for ActiveModel {}
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

async fn migrate() {
    rls_migration::cli::run_cli(RlsMigrator::new(Migrator)).await;
}

fn fresh() -> task::ActiveModel {
    task::ActiveModel {
        id: ActiveValue::Set(Uuid::new_v4()),
        ..Default::default()
    }
}

#[rustfmt::skip]
#[expect(unused_variables, reason = "a reader sees what a name is for")]
async fn service(url: &str, user_id: Uuid) -> Result<(), Box<dyn std::error::Error>> {
    let db = RlsConnection::connect(url, RlsConfig::from_env()?).await?; // refuses to start where RLS would not hold
    let mine = db.scope(UserContext::new(user_id));                      // a SeaORM connection
    let tasks = task::Entity::find().all(&mine).await?;                  // this user's rows only
    let saved = task::ActiveModel { title: Set("x".into()), ..fresh() }.insert(&mine).await?; // owner filled
    let txn = mine.begin().await?;                                       // all of SeaORM's habits work
    txn.commit().await?;
    let ops = db.admin(AdminContext::new("carol", "ticket 4711")?);      // another type, another role
    Ok(())
}

/// The lines of README's Rust that are code.
fn shown() -> impl Iterator<Item = &'static str> {
    let blocks = include_str!("../../../README.md")
        .split("```rust,ignore\n")
        .skip(1);
    blocks
        .filter_map(|block| block.split("```").next())
        .flat_map(str::lines)
        .map(str::trim)
        .filter(|line| !line.is_empty())
}

pub fn main() {
    let here = include_str!("readme.rs");
    assert!(shown().count() > 15);
    for line in shown() {
        assert!(
            here.lines().any(|own| own.trim() == line),
            "README shows what compiles nowhere: {line}"
        );
    }
}
