use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let of_team = |table: &'static str| {
            ForeignKey::create()
                .from(table, "team_id")
                .to("team", "id")
                .on_delete(ForeignKeyAction::Cascade)
                .to_owned()
        };

        manager
            .create_table(
                Table::create()
                    .table("team")
                    .col(pk_uuid("id"))
                    .col(string_len("name", 200))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("membership")
                    .col(uuid("team_id"))
                    .col(uuid("user_id"))
                    .primary_key(Index::create().col("team_id").col("user_id"))
                    .foreign_key(&mut of_team("membership"))
                    .to_owned(),
            )
            .await?;

        manager
            .create_table(
                Table::create()
                    .table("document")
                    .col(pk_uuid("id"))
                    .col(uuid("team_id"))
                    .col(string_len("title", 200))
                    .col(text("text"))
                    .foreign_key(&mut of_team("document"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // At once: a membership refers to its team, and the team's policies read the memberships.
        manager
            .drop_table(
                Table::drop()
                    .table("document")
                    .table("membership")
                    .table("team")
                    .to_owned(),
            )
            .await
    }
}
