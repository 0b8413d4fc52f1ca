//! What other crates read and write beside a scope, or through one.
#![cfg(test)]

mod arrow;
mod macros;

use sea_orm::{ConnectionTrait, Database};
use sea_orm_rls::{RlsConfig, RlsConnection, RlsSchema, ScopedConnection, UserContext, registry};

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task", arrow_schema)]
    #[user_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: i64,
        pub title: String,
        pub note: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const PASSWORD: &str = "app secret";

struct World {
    database: rls_testbed::Database,
    app: String,
    db: RlsConnection,
}

impl World {
    /// User 1 has the tasks `a1` and `a2`, user 2 has `b1`.
    async fn new() -> Self {
        let server = rls_testbed::server().unwrap();
        let database = server.database("beside").await.unwrap();
        let app = database.role("app");
        let config = RlsConfig::new()
            .app_login(&app, PASSWORD)
            .unwrap()
            .admin_login(&database.role("admin"), "admin secret")
            .unwrap();
        let owner = Database::connect(database.url()).await.unwrap();
        owner
            .execute_unprepared(include_str!("tables.sql"))
            .await
            .unwrap();
        let entities = registry![task::Entity].unwrap();
        let schema = RlsSchema::new(entities.clone(), config.clone());
        schema.sync(&owner).await.unwrap();
        let rows = "INSERT INTO task (owner_id, title) VALUES (1, 'a1'), (1, 'a2'), (2, 'b1')";
        owner.execute_unprepared(rows).await.unwrap();

        let db = RlsConnection::connect_with(database.url(), config, entities);
        Self {
            db: db.await.unwrap(),
            app,
            database,
        }
    }

    fn scope(&self, user: i64) -> ScopedConnection {
        self.db.scope(UserContext::new(user))
    }

    /// A connection of sqlx's as the application's login.
    async fn login(&self) -> sqlx::PgConnection {
        let url = self.database.url_as(&self.app, PASSWORD);
        <sqlx::PgConnection as sqlx::Connection>::connect(&url)
            .await
            .unwrap()
    }
}
