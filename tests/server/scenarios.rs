//! What people do today with other tools, each told as a test under its usual name.

mod finance_tracker;
mod rls_package;
mod saas_posts;
mod tenant_orders;
mod user_scoped_base;

use rls_core::testing::IsolationProof;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Schema, SchemaBuilder,
};
use sea_orm_rls::{AdminConnection, AdminContext, Registry, RlsConfig, RlsConnection, RlsSchema};

use crate::fixture::config;
use crate::schema::texts;

/// A database with the tables of a scenario, protected, and a connection as the application's role.
pub struct Scenario {
    pub database: testbed::Database,
    /// As the migrations' login.
    pub owner: DatabaseConnection,
    pub config: RlsConfig,
    pub registry: Registry,
    pub db: RlsConnection,
}

impl Scenario {
    /// With a pool of `connections`; SeaORM creates the tables, this family all else.
    pub async fn new(
        registry: Registry,
        connections: u32,
        register: impl FnOnce(SchemaBuilder) -> SchemaBuilder,
    ) -> Self {
        let database = testbed::server()
            .unwrap()
            .database("scenario")
            .await
            .unwrap();

        let config = config(&database);
        let owner = Database::connect(database.url()).await.unwrap();
        register(Schema::new(sea_orm::DbBackend::Postgres).builder())
            .sync(&owner)
            .await
            .unwrap();
        RlsSchema::new(registry.clone(), config.clone())
            .sync(&owner)
            .await
            .unwrap();

        let mut options = ConnectOptions::new(database.url());
        options.max_connections(connections);

        let db = RlsConnection::connect_with(options, config.clone(), registry.clone())
            .await
            .unwrap();

        Self {
            database,
            owner,
            config,
            registry,
            db,
        }
    }

    pub fn admin(&self) -> AdminConnection {
        self.db
            .admin(AdminContext::new("tester", "looks at all rows").unwrap())
    }

    /// Every command, as two users and as nobody.
    pub async fn assert_isolated(&self) {
        let proof = IsolationProof::new(&self.registry)
            .run(&self.owner, &self.db)
            .await
            .unwrap();
        proof.assert_isolated();
    }

    /// As the migrations' login, a superuser: rows are there whatever policies say.
    pub async fn fill(&self, sql: &str) {
        self.owner.execute_unprepared(sql).await.unwrap();
    }
}

/// The plan of a statement, one node a line.
pub async fn explain(db: &impl ConnectionTrait, sql: &str) -> String {
    texts(db, &format!("EXPLAIN (COSTS OFF) {sql}"))
        .await
        .join("\n")
}
