use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("user")
                    .col(pk_uuid("id"))
                    .col(string("email").unique_key())
                    .col(boolean("is_superuser").default(false))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("credential")
                    .col(pk_uuid("user_id"))
                    .col(string("email").unique_key())
                    .col(string("password_hash"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("priority")
                    .col(string("code").primary_key())
                    .col(integer("rank").unique_key())
                    .to_owned(),
            )
            .await?;

        let mut priorities = Query::insert();
        priorities.into_table("priority").columns(["code", "rank"]);
        for (code, rank) in [("low", 1), ("normal", 2), ("high", 3)] {
            priorities.values_panic([code.into(), rank.into()]);
        }

        manager.execute(priorities).await?;
        manager
            .create_table(
                Table::create()
                    .table("task")
                    .col(pk_uuid("id"))
                    .col(string_len("title", 200))
                    .col(string("priority").default("normal"))
                    .col(boolean("is_done").default(false))
                    .col(boolean("is_shared").default(false))
                    .col(timestamp_with_time_zone("created_at").default(Expr::current_timestamp()))
                    .col(timestamp_with_time_zone_null("due_at"))
                    .col(timestamp_with_time_zone_null("reminded_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("task", "priority")
                            .to("priority", "code"),
                    )
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
        for table in ["comment", "task", "priority", "credential", "user"] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }

        Ok(())
    }
}
