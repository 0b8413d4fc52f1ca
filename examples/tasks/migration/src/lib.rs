//! The migrations, as `sea-orm-cli migrate` expects them.

pub use sea_orm_migration::prelude::*;

// Names the entities once, so that they are linked and registered.
use tasks_entity as _;

mod m20260101_000001_create_tables;
mod m20260201_000001_create_teams;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000001_create_tables::Migration),
            Box::new(m20260201_000001_create_teams::Migration),
        ]
    }
}
