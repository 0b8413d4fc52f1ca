//! A database with a suite's own tables and rows, protected, and a connection as the application's role.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sea_orm_rls::{Registry, RlsConfig, RlsConnection};

use crate::fixture::{config, signed_contexts, sync};

pub struct World {
    _database: testbed::Database,
    /// As a superuser.
    pub owner: DatabaseConnection,
    pub config: RlsConfig,
    pub db: RlsConnection,
}

impl World {
    /// Makes the tables, protects them as their entities say, and fills them.
    pub async fn of(name: &str, tables: &str, rows: &str, entities: Registry) -> Self {
        let database = testbed::server().unwrap().database(name).await.unwrap();
        let config = config(&database).signed_contexts(signed_contexts());
        let owner = Database::connect(database.url()).await.unwrap();
        owner.execute_unprepared(tables).await.unwrap();
        let (config, _) = sync(&owner, config, &entities).await;
        owner.execute_unprepared(rows).await.unwrap();

        let db = RlsConnection::connect_with(database.url(), config.clone(), entities)
            .await
            .unwrap();
        Self {
            _database: database,
            owner,
            config,
            db,
        }
    }

    /// As a superuser; `$app` and `$admin` are the two roles.
    pub async fn run(&self, sql: &str) {
        let sql = sql.replace("$app", self.config.app_role().as_str());
        let sql = sql.replace("$admin", self.config.admin_role().as_str());
        self.owner.execute_unprepared(&sql).await.unwrap();
    }
}
