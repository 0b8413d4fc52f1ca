use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(Table::create().table("user").col(pk_uuid("id")).col(string("email").unique_key()).to_owned())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("task")
                    .col(pk_uuid("id"))
                    .col(string("title"))
                    .col(boolean("done").default(false))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("comment")
                    .col(pk_auto("id"))
                    .col(uuid("task_id"))
                    .col(text("text"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("comment", "task_id")
                            .to("task", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["comment", "task", "user"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
