use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let user = Table::create()
            .table("user")
            .col(pk_uuid("id"))
            .col(string_uniq("email"))
            .to_owned();
        let task = Table::create()
            .table("task")
            .col(pk_auto("id"))
            .col(string("title"))
            .col(uuid("user_id"))
            .foreign_key(&mut owner("task", "user_id"))
            .to_owned();
        let comment = Table::create()
            .table("comment")
            .col(pk_auto("id"))
            .col(integer("task_id"))
            .col(text("text"))
            .foreign_key(
                ForeignKey::create()
                    .from("comment", "task_id")
                    .to("task", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        let page = Table::create()
            .table("page")
            .col(pk_auto("id"))
            .col(uuid("author_id"))
            .col(text("text"))
            .foreign_key(&mut owner("page", "author_id"))
            .to_owned();
        let mood = Table::create()
            .table("mood")
            .col(pk_auto("id"))
            .col(string("name"))
            .to_owned();
        let membership = Table::create()
            .table("membership")
            .col(integer("team_id"))
            .col(uuid("user_id"))
            .primary_key(Index::create().col("team_id").col("user_id"))
            .foreign_key(&mut owner("membership", "user_id"))
            .to_owned();

        for table in [user, task, comment, page, mood, membership] {
            manager.create_table(table).await?;
        }
        Ok(())
    }
}

fn owner(table: &'static str, column: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, column)
        .to("user", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}
