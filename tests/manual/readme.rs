// snippet
mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)] // each row owns itself
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model] // adds `owner_id` and `owner`
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub title: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
// end

mod migration {
    use sea_orm_migration::prelude::*;

    struct Migrator;

    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            Vec::new()
        }
    }

    // snippet
    use sea_orm_rls::migration::{RlsMigrator, cli};

    #[tokio::main]
    async fn main() {
        cli::run_cli(RlsMigrator::new(Migrator)).await;
    }
    // end
}

mod service {
    use super::task;

    // snippet
    use sea_orm::{ActiveModelTrait, EntityTrait, Set, TransactionTrait};
    use sea_orm_rls::{AdminContext, RlsConfig, RlsConnection, UserContext};
    use uuid::Uuid;

    async fn serve(url: &str, user_id: Uuid) -> Result<(), Box<dyn std::error::Error>> {
        // Refuses to start if row security would not hold.
        let db = RlsConnection::connect(url, RlsConfig::from_env()?).await?;

        // A SeaORM connection that reaches this user's rows, and no others.
        let mine = db.scope(UserContext::new(user_id));
        let tasks = task::Entity::find().all(&mine).await?;

        // The database fills `owner_id`.
        let txn = mine.begin().await?;
        let task = task::ActiveModel {
            id: Set(Uuid::new_v4()),
            title: Set("rest".to_owned()),
            ..Default::default()
        };
        task.insert(&txn).await?;
        txn.commit().await?;

        // Another type, another role, and a record of its transactions.
        let ops = db.admin(AdminContext::new("carol", "ticket 4711")?);
        let all = task::Entity::find().all(&ops).await?;

        println!("{} of {} tasks", tasks.len(), all.len());
        Ok(())
    }
    // end
}
