use sea_orm::{ConnectionTrait, Database, DbErr};
use sea_orm_migration::SchemaManager;
use sea_orm_rls::registry;

use crate::Tested;

mod unowned {
    // snippet
    mod task {
        use sea_orm::entity::prelude::*; // hidden
        use sea_orm_rls::UserScoped; // hidden

        #[sea_orm_rls::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "task")]
        #[user_scoped(
            user = super::user::Entity,
            backfill = "SELECT id FROM \"user\" WHERE email = created_by"
        )]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub title: String,
            pub created_by: String,
        }
        impl ActiveModelBehavior for ActiveModel {} // hidden
    }
    // end

    mod user {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "user")]
        #[user_scoped(identity)]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            #[sea_orm(unique)]
            pub email: String,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    #[test]
    fn backfill_is_declared() {
        super::registry![user::Entity, task::Entity].unwrap();
    }
}

mod by_hand {
    // snippet
    mod account {
        use sea_orm::entity::prelude::*; // hidden
        use sea_orm_rls::UserScoped; // hidden

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "account")]
        #[user_scoped(identity, setting = "my.uid")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
        }
        impl ActiveModelBehavior for ActiveModel {} // hidden
    }

    mod invoice {
        use sea_orm::entity::prelude::*; // hidden
        use sea_orm_rls::UserScoped; // hidden

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "invoice")]
        #[user_scoped(user = super::account::Entity, owner = "account_id", setting = "my.uid")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            pub account_id: Uuid,
        }
        impl ActiveModelBehavior for ActiveModel {} // hidden
    }
    // end

    #[test]
    fn entities_use_the_settings_of_the_program() {
        super::registry![account::Entity, invoice::Entity].unwrap();
    }
}

async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // snippet
    use sea_orm_rls::migration::RlsSchemaManagerExt;

    manager.drop_policy("account", "self").await?;
    manager.drop_policy("invoice", "mine").await?;
    // end

    Ok(())
}

#[tokio::test]
async fn a_migration_drops_policies_by_hand() -> Tested {
    let database = testbed::server()?.database("by_hand").await?;
    let owner = Database::connect(database.url()).await?;
    let tables = "CREATE TABLE account (id uuid); CREATE TABLE invoice (id integer);
                  CREATE POLICY self ON account USING (true);
                  CREATE POLICY mine ON invoice USING (true)";
    owner.execute_unprepared(tables).await?;

    up(&SchemaManager::new(&owner)).await?;
    let fails_on_one = "SELECT 1 / (CASE WHEN EXISTS (TABLE pg_policy) THEN 0 ELSE 1 END)";
    owner.execute_unprepared(fails_on_one).await?;
    Ok(())
}

#[test]
fn a_context_uses_the_setting_of_the_program() {
    use sea_orm_rls::UserContext;

    let account = uuid::Uuid::nil();
    // snippet
    let context = UserContext::new(account).setting("my.uid");
    // end
    assert!(format!("{context:?}").contains("my.uid"));
}

#[tokio::test]
async fn schema_sync_makes_tables_and_rls_schema_protects_them() -> Tested {
    use sea_orm::{DbBackend, Schema};
    use sea_orm_rls::{RlsConfig, RlsConnection, RlsSchema};

    use crate::world::{task, user};

    let database = testbed::server()?.database("entity_first").await?;
    let (url, app, admin) = (database.url(), database.role("app"), database.role("admin"));
    let config = RlsConfig::new()
        .app_login(&app, "app secret")?
        .admin_login(&admin, "admin secret")?;

    // snippet
    let owner = Database::connect(&url).await?;
    Schema::new(DbBackend::Postgres)
        .builder()
        .register(user::Entity)
        .register(task::Entity)
        .sync(&owner)
        .await?;

    // Or `RlsSchema::from_env()`, for all entities that are linked.
    let entities = registry![user::Entity, task::Entity]?;
    let rls = RlsSchema::new(entities.clone(), config.clone());
    rls.sync(&owner).await?;
    assert!(rls.plan(&owner).await?.is_empty());

    let db = RlsConnection::connect_with(&url, config, entities).await?;
    // end

    db.close().await;
    Ok(())
}
