//! A schema of a test's own on the cluster, with users, tasks and countries, and a connection as the
//! application's role.

use sea_orm::{
    ActiveModelTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend,
    EntityTrait, Schema, Set, Statement,
};
use sea_orm_rls::{
    AdminConnection, AdminContext, Registry, RlsConfig, RlsConnection, RlsError, RlsSchema,
    ScopedConnection, UserContext, registry,
};
use uuid::Uuid;

pub mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity, distribute)]
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

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = super::user::Entity, distribute)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub title: String,
        pub rank: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod country {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::Unscoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "country")]
    #[unscoped(reason = "the same for everyone", grant(select), distribute)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The cluster's URL.
///
/// # Panics
///
/// Without one: no test passes without a cluster.
pub fn url() -> String {
    std::env::var("CITUS_DATABASE_URL").unwrap_or_else(|_| {
        panic!(
            "these tests need a Citus cluster: set `CITUS_DATABASE_URL` to the URL of a superuser on \
             its coordinator, in a database that has the extension `citus` and workers. To get one: \
             `docker compose` of github.com/citusdata/docker, or Citus 13 built beside a server, \
             `CREATE EXTENSION citus` on each node, and `citus_add_node` on the coordinator. The \
             workers must let the application's role in (`pg_hba.conf`)"
        )
    })
}

pub struct Cluster {
    /// As the superuser who migrates.
    pub owner: DatabaseConnection,
    /// As the application's role, on a pool of one.
    pub db: RlsConnection,
    pub config: RlsConfig,
    pub schema: String,
    pub ann: Uuid,
    pub bob: Uuid,
}

impl Cluster {
    pub async fn new() -> Self {
        let (owner, schema) = empty().await;
        create_tables(&owner).await;
        let config = config(&schema);
        let rls = RlsSchema::new(entities(), config.clone());
        rls.sync(&owner).await.unwrap();
        let plan = rls.plan(&owner).await.unwrap();
        assert!(plan.is_empty(), "{plan}");

        let db = connect(&schema, &config).await.unwrap();
        let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
        let cluster = Self {
            owner,
            db,
            config,
            schema,
            ann,
            bob,
        };
        for id in [ann, bob] {
            let user = user::ActiveModel {
                id: Set(id),
                email: Set("x@example.org".to_owned()),
            };
            user.insert(&cluster.scope(id)).await.unwrap();
        }

        cluster
    }

    pub fn scope(&self, user: Uuid) -> ScopedConnection {
        self.db.scope(UserContext::new(user))
    }

    pub fn ann(&self) -> ScopedConnection {
        self.scope(self.ann)
    }

    pub fn bob(&self) -> ScopedConnection {
        self.scope(self.bob)
    }

    pub fn admin(&self) -> AdminConnection {
        self.db
            .admin(AdminContext::new("tester", "looks at all rows").unwrap())
    }

    /// Ann's and Bob's tasks.
    pub async fn tasks(&self) -> (task::Model, task::Model) {
        let hers = new_task("ann's").insert(&self.ann()).await.unwrap();
        let his = new_task("bob's").insert(&self.bob()).await.unwrap();
        (hers, his)
    }

    /// Drops the schema and the roles.
    pub async fn drop(self) {
        self.db.close().await;
        let (app, admin) = (role(&self.schema, "app"), role(&self.schema, "admin"));
        for sql in [
            format!("DROP SCHEMA {} CASCADE", self.schema),
            format!("DROP ROLE {app}"),
            format!("DROP ROLE {admin}"),
        ] {
            self.owner.execute_unprepared(&sql).await.unwrap();
        }
    }
}

pub fn new_task(title: &str) -> task::ActiveModel {
    task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set(title.to_owned()),
        rank: Set(1),
        ..Default::default()
    }
}

pub fn entities() -> Registry {
    registry![user::Entity, task::Entity, country::Entity as Unscoped].unwrap()
}

/// A schema of the test's own, and a connection that finds tables there.
pub async fn empty() -> (DatabaseConnection, String) {
    let schema = format!("rls_{}", Uuid::new_v4().simple());
    let mut options = ConnectOptions::new(url());
    options.max_connections(1).set_schema_search_path(&schema);
    let owner = Database::connect(options).await.unwrap();
    let create = format!("CREATE SCHEMA {schema}");
    owner.execute_unprepared(&create).await.unwrap();
    (owner, schema)
}

pub async fn create_tables(owner: &DatabaseConnection) {
    let backend = DbBackend::Postgres;
    let schema = Schema::new(backend);
    for table in [
        schema.create_table_from_entity(user::Entity),
        schema.create_table_from_entity(task::Entity),
        schema.create_table_from_entity(country::Entity),
    ] {
        owner.execute(&table).await.unwrap();
    }
}

/// Roles of the test's own.
pub fn config(schema: &str) -> RlsConfig {
    let audit = format!("{schema}.rls_audit");
    RlsConfig::new()
        .app_login(&role(schema, "app"), "app password")
        .unwrap()
        .admin_login(&role(schema, "admin"), "admin password")
        .unwrap()
        .audit_table(&audit)
        .unwrap()
}

pub fn role(schema: &str, of: &str) -> String {
    format!("{schema}_{of}")
}

pub async fn connect(schema: &str, config: &RlsConfig) -> Result<RlsConnection, RlsError> {
    let mut options = ConnectOptions::new(url());
    options.max_connections(1).set_schema_search_path(schema);
    RlsConnection::connect_with(options, config.clone(), entities()).await
}

pub async fn one<T: sea_orm::TryGetable>(db: &impl ConnectionTrait, sql: &str) -> T {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

pub async fn all_tasks(db: &impl ConnectionTrait) -> Vec<task::Model> {
    task::Entity::find().all(db).await.unwrap()
}
