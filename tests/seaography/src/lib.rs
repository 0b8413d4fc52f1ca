//! A GraphQL schema of Seaography whose resolvers run on the request's scope.
#![cfg(test)]

use std::sync::LazyLock;

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, EntityTrait,
    ProxyDatabaseTrait, ProxyExecResult, ProxyRow, Set, Statement, from_query_result_to_proxy_row,
};
use sea_orm_rls::{RlsConfig, RlsConnection, RlsSchema, ScopedConnection, UserContext, registry};
use seaography::async_graphql::dataloader::DataLoader;
use seaography::async_graphql::dynamic::Schema;
use seaography::async_graphql::{Request, Response};
use seaography::{Builder, BuilderContext, OneToManyLoader, OneToOneLoader};
use uuid::Uuid;

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
        #[sea_orm(has_many)]
        pub tasks: HasMany<super::task::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub title: String,
        pub owner_id: Uuid,
        #[sea_orm(belongs_to, from = "owner_id", to = "id")]
        pub user: HasOne<super::user::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A scope as a `DatabaseConnection`, the type that Seaography's resolvers ask for. Only for schemas
/// without mutations: SeaORM's proxy cannot say that a transaction failed to begin.
#[derive(Debug)]
struct OnScope(ScopedConnection);

impl OnScope {
    async fn connection(scope: ScopedConnection) -> DatabaseConnection {
        let proxy = std::sync::Arc::new(Box::new(Self(scope)) as Box<dyn ProxyDatabaseTrait>);
        Database::connect_proxy(DbBackend::Postgres, proxy)
            .await
            .unwrap()
    }
}

#[async_trait]
impl ProxyDatabaseTrait for OnScope {
    async fn query(&self, statement: Statement) -> Result<Vec<ProxyRow>, DbErr> {
        let rows = self.0.query_all_raw(statement).await?;
        Ok(rows.iter().map(from_query_result_to_proxy_row).collect())
    }

    async fn execute(&self, statement: Statement) -> Result<ProxyExecResult, DbErr> {
        let done = self.0.execute_raw(statement).await?;
        Ok(ProxyExecResult::new(0, done.rows_affected()))
    }
}

static CONTEXT: LazyLock<BuilderContext> = LazyLock::new(BuilderContext::default);

/// The schema of both entities, for reading. Its own connection, by which it loads related rows unless a
/// request has loaders, is one on behalf of nobody.
fn schema(nobody: DatabaseConnection) -> Schema {
    let mut builder = Builder::new(&CONTEXT, nobody);
    seaography::register_entity!(builder, user, mutation: false);
    seaography::register_entity!(builder, task, mutation: false);
    builder.schema_builder().finish().unwrap()
}

struct World {
    _database: rls_testbed::Database,
    db: RlsConnection,
    users: [Uuid; 2],
}

impl World {
    /// Ann's tasks are `a1`, `a2`; Bob's is `b1`.
    async fn new() -> Self {
        let server = rls_testbed::server().unwrap();
        let database = server.database("seaography").await.unwrap();
        let config = RlsConfig::new()
            .app_login(&database.role("app"), "app secret")
            .unwrap()
            .admin_login(&database.role("admin"), "admin secret")
            .unwrap();
        let owner = Database::connect(database.url()).await.unwrap();
        let tables = "CREATE TABLE \"user\" (id uuid PRIMARY KEY);
                      CREATE TABLE task (id uuid PRIMARY KEY, title text NOT NULL)";
        owner.execute_unprepared(tables).await.unwrap();
        let entities = registry![user::Entity, task::Entity].unwrap();
        let rls = RlsSchema::new(entities.clone(), config.clone());
        rls.sync(&owner).await.unwrap();

        let users = [1, 2].map(Uuid::from_u128);
        let rows = users.map(|id| user::ActiveModel { id: Set(id) });
        user::Entity::insert_many(rows).exec(&owner).await.unwrap();
        let tasks =
            [(1, 0, "a1"), (2, 0, "a2"), (3, 1, "b1")].map(|(id, of, title)| task::ActiveModel {
                id: Set(Uuid::from_u128(id)),
                title: Set(title.to_owned()),
                owner_id: Set(users[of]),
            });
        task::Entity::insert_many(tasks).exec(&owner).await.unwrap();

        let db = RlsConnection::connect_with(database.url(), config, entities);
        Self {
            db: db.await.unwrap(),
            users,
            _database: database,
        }
    }

    /// What a request of this user gets; of nobody's for `None`.
    async fn answer(&self, schema: &Schema, user: Option<Uuid>, query: &str) -> Response {
        let scope = match user {
            Some(user) => self.db.scope(UserContext::new(user)),
            None => self.db.anonymous(),
        };
        let connection = OnScope::connection(scope).await;
        let users = OneToOneLoader::<user::Entity>::new(connection.clone());
        let tasks = OneToManyLoader::<task::Entity>::new(connection.clone());
        let request = Request::new(query)
            .data(DataLoader::new(users, tokio::spawn))
            .data(DataLoader::new(tasks, tokio::spawn))
            .data(connection);
        schema.execute(request).await
    }
}

#[tokio::test]
async fn resolvers_read_the_rows_of_the_requests_user() {
    let world = World::new().await;
    let nobody = OnScope::connection(world.db.anonymous()).await;
    let schema = schema(nobody);
    let [ann, bob] = world.users;

    let titles = "{ task(orderBy: { title: ASC }) { nodes { title } } }";
    let of_bob = "{ task(filters: { title: { eq: \"b1\" } }) { nodes { title user { id } } } }";
    let through = "{ user { nodes { task { nodes { title } } } } }";
    let expected = [
        (
            Some(ann),
            titles,
            r#"{task: {nodes: [{title: "a1"}, {title: "a2"}]}}"#,
        ),
        (Some(bob), titles, r#"{task: {nodes: [{title: "b1"}]}}"#),
        (None, titles, "{task: {nodes: []}}"),
        (Some(ann), of_bob, "{task: {nodes: []}}"),
        (
            Some(ann),
            through,
            r#"{user: {nodes: [{task: {nodes: [{title: "a1"}, {title: "a2"}]}}]}}"#,
        ),
        (
            Some(bob),
            through,
            r#"{user: {nodes: [{task: {nodes: [{title: "b1"}]}}]}}"#,
        ),
    ];

    for (user, query, rows) in expected {
        let answer = world.answer(&schema, user, query).await;
        assert!(answer.errors.is_empty(), "{query}: {:?}", answer.errors);
        assert_eq!(answer.data.to_string(), rows, "{user:?}: {query}");
    }
}

/// Related rows of a request without loaders are read on the connection of the schema.
#[tokio::test]
async fn schemas_connection_reads_related_rows_for_nobody() {
    let world = World::new().await;
    let schema = schema(OnScope::connection(world.db.anonymous()).await);
    let scope = world.db.scope(UserContext::new(world.users[0]));
    let connection = OnScope::connection(scope).await;

    let query = "{ user { nodes { task { nodes { title } } } } }";
    let answer = schema.execute(Request::new(query).data(connection)).await;
    assert!(answer.errors.is_empty(), "{:?}", answer.errors);
    assert_eq!(
        answer.data.to_string(),
        "{user: {nodes: [{task: {nodes: []}}]}}"
    );
}

/// A request that was given no connection has an error, and no other user's rows.
#[tokio::test]
async fn request_without_a_scope_fails() {
    let world = World::new().await;
    let nobody = OnScope::connection(world.db.anonymous()).await;
    let answer = schema(nobody)
        .execute(Request::new("{ task { nodes { title } } }"))
        .await;
    assert!(!answer.errors.is_empty(), "{answer:?}");
}
