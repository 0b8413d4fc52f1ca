use sea_orm_migration::prelude::*;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

mod converging {
    use super::Migrator;

    // snippet
    use sea_orm_rls::migration::{RlsMigrator, cli};

    #[tokio::main]
    async fn main() {
        cli::run_cli(RlsMigrator::new(Migrator)).await;
    }
    // end
}

mod reviewed {
    use sea_orm_rls::migration::{RlsMigrator, cli};

    use super::Migrator;

    async fn main() {
        // snippet
        cli::run_cli(RlsMigrator::new(Migrator).reviewed()).await;
        // end
    }
}

mod data {
    #[derive(sea_orm_migration::prelude::DeriveMigrationName)]
    struct Migration;

    // snippet
    use sea_orm_migration::prelude::*;
    use sea_orm_rls::migration::MaintenanceExt;

    #[async_trait::async_trait]
    impl MigrationTrait for Migration {
        async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            let trim = Query::update()
                .table("note")
                .value("text", Expr::cust("btrim(text)"))
                .to_owned();

            manager
                .maintenance(["note"], |db| {
                    Box::pin(async move { db.execute(&trim).await })
                })
                .await?;
            Ok(())
        }
    }
    // end
}

mod verbs {
    // snippet
    use sea_orm_migration::prelude::*;
    use sea_orm_rls::migration::RlsSchemaManagerExt;
    use sea_orm_rls::model::Privilege;
    use sea_orm_rls::policy::{Command, Grantee, Policy};

    async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        manager.enable_rls("ticket").await?;
        let open = Policy::permissive("ticket_open")
            .on([Command::Select])
            .using(Expr::col("status").eq("open"));
        manager.create_policy("ticket", open).await?;
        manager
            .grant("ticket", Grantee::App, [Privilege::Select])
            .await?;
        Ok(())
    }
    // end
}
