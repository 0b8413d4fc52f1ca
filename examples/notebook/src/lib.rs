//! Five entities and their migrations. `tests/isolation.rs` has ten lines, and proves that users are
//! kept apart.

pub mod note;
pub mod notebook;
pub mod reminder;
pub mod tag;
pub mod user;

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{boolean, pk_uuid, string, timestamp_with_time_zone_null, uuid};

pub struct Migrator;

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateTables)]
    }
}

#[derive(DeriveMigrationName)]
struct CreateTables;

#[async_trait]
impl MigrationTrait for CreateTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = |name: &'static str| Table::create().table(name).col(pk_uuid("id")).to_owned();
        let mut notebook_of = ForeignKey::create();
        notebook_of
            .from("note", "notebook_id")
            .to("notebook", "id")
            .on_delete(ForeignKeyAction::Cascade);

        for table in [
            table("user").col(string("email").unique_key()),
            table("notebook").col(string("title")),
            table("note")
                .col(uuid("notebook_id"))
                .col(string("text"))
                .foreign_key(&mut notebook_of),
            table("tag")
                .col(string("name"))
                .col(boolean("is_shared").default(false)),
            table("reminder")
                .col(string("text"))
                .col(timestamp_with_time_zone_null("deleted_at")),
        ] {
            manager.create_table(table.to_owned()).await?;
        }

        Ok(())
    }
}
