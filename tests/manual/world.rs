//! What examples run on: a migrated database, a connection, two users.

use sea_orm::{ActiveModelTrait, Database, DatabaseConnection, DbBackend, Schema, Set};
use sea_orm_rls::{RlsConfig, RlsConnection, RlsSchema, UserContext, registry};
use uuid::Uuid;

pub mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
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

pub struct World {
    pub database: testbed::Database,
    pub owner: DatabaseConnection,
    pub config: RlsConfig,
    pub db: RlsConnection,
    pub ann: Uuid,
    pub bob: Uuid,
}

/// Ann has two tasks, and Bob one.
pub async fn world() -> Result<World, Box<dyn std::error::Error>> {
    let database = testbed::server()?.database("manual").await?;
    let config = RlsConfig::new()
        .app_login(&database.role("rls_app_user"), "app secret")?
        .admin_login(&database.role("rls_maintenance_admin"), "admin secret")?;
    let owner = Database::connect(database.url()).await?;

    Schema::new(DbBackend::Postgres)
        .builder()
        .register(user::Entity)
        .register(task::Entity)
        .sync(&owner)
        .await?;

    let entities = registry![user::Entity, task::Entity]?;
    RlsSchema::new(entities.clone(), config.clone())
        .sync(&owner)
        .await?;

    let db = RlsConnection::connect_with(database.url(), config.clone(), entities).await?;
    let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());

    for (id, titles) in [
        (ann, &["water the plants", "call Bob"][..]),
        (bob, &["rest"][..]),
    ] {
        let mine = db.scope(UserContext::new(id));
        let email = format!("{id}@example.org");
        user::ActiveModel {
            id: Set(id),
            email: Set(email),
        }
        .insert(&mine)
        .await?;

        for title in titles {
            let task = task::ActiveModel {
                id: Set(Uuid::new_v4()),
                title: Set((*title).to_owned()),
                ..Default::default()
            };
            task.insert(&mine).await?;
        }
    }

    Ok(World {
        database,
        owner,
        config,
        db,
        ann,
        bob,
    })
}
