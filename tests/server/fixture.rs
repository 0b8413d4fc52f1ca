//! A database with users and tasks, protected, and a connection as the application's role.

use sea_orm::{ConnectOptions, Database, DatabaseConnection, Schema};
use sea_orm_rls::signing::{SignedContexts, SigningKey};
use sea_orm_rls::{
    AdminContext, Registry, RlsConfig, RlsConnection, RlsSchema, ScopedConnection, UserContext,
    registry,
};
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
        #[sea_orm(unique)]
        pub email: String,
        #[sea_orm(has_many)]
        pub tasks: HasMany<super::task::Entity>,
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
        pub rank: i32,
        #[sea_orm(has_many)]
        pub notes: HasMany<super::note::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The plain form, without an owner field: only the table has the column. Its key is a serial
/// column's.
pub mod note {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "note")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub task_id: Uuid,
        pub body: String,
        #[sea_orm(belongs_to, from = "task_id", to = "id")]
        pub task: HasOne<super::task::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub struct Fixture {
    pub database: testbed::Database,
    /// As the migrations' login.
    pub owner: DatabaseConnection,
    /// As the application's role.
    pub db: RlsConnection,
    pub config: RlsConfig,
    /// The key that signs contexts, if they are signed.
    pub key: Option<SigningKey>,
    pub ann: Uuid,
    pub bob: Uuid,
}

impl Fixture {
    /// With a pool of `connections`.
    pub async fn new(connections: u32) -> Self {
        Self::with_options(connections, |_| {}).await
    }

    /// With more said of the application's connections.
    pub async fn with_options(connections: u32, say: impl FnOnce(&mut ConnectOptions)) -> Self {
        Self::on(testbed::server().unwrap(), connections, say).await
    }

    /// On a server of the test's own.
    pub async fn on(
        server: &testbed::Server,
        connections: u32,
        say: impl FnOnce(&mut ConnectOptions),
    ) -> Self {
        let config = |database: &_| config(database).signed_contexts(signed_contexts());
        Self::configured(server, config, connections, say).await
    }

    /// With signed contexts, which policies require.
    pub async fn signed(connections: u32) -> Self {
        let config = |database: &_| config(database).signed_contexts(SignedContexts::Required);
        Self::configured(testbed::server().unwrap(), config, connections, |_| {}).await
    }

    /// With another configuration.
    pub async fn configured(
        server: &testbed::Server,
        config: impl FnOnce(&testbed::Database) -> RlsConfig,
        connections: u32,
        say: impl FnOnce(&mut ConnectOptions),
    ) -> Self {
        let database = server.database("fixture").await.unwrap();
        let owner = Database::connect(database.url()).await.unwrap();
        let config = config(&database);
        Self::migrated_by(database, config, owner, connections, say).await
    }

    /// Whose scopes may run `DO` blocks.
    pub async fn allowing_do() -> Self {
        let fixture = Self::new(1).await;
        let mut options = ConnectOptions::new(fixture.database.url());
        options.max_connections(1);

        let config = fixture.config.clone().danger_allow_do(true);
        let db = RlsConnection::connect_with(options, config, entities())
            .await
            .unwrap();
        Self { db, ..fixture }
    }

    /// As a login that is no superuser migrates it, and a superuser's connection.
    pub async fn of_plain_owner(connections: u32) -> (Self, DatabaseConnection) {
        let database = testbed::server()
            .unwrap()
            .database("fixture")
            .await
            .unwrap();
        let owner = plain_login(&database, Public::Owned).await;
        let superuser = Database::connect(database.url()).await.unwrap();
        let config = config(&database);
        let fixture = Self::migrated_by(database, config, owner, connections, |_| {}).await;
        (fixture, superuser)
    }

    /// As this login migrates it.
    pub async fn migrated_by(
        database: testbed::Database,
        config: RlsConfig,
        owner: DatabaseConnection,
        connections: u32,
        say: impl FnOnce(&mut ConnectOptions),
    ) -> Self {
        Schema::new(sea_orm::DbBackend::Postgres)
            .builder()
            .register(user::Entity)
            .register(task::Entity)
            .register(note::Entity)
            .sync(&owner)
            .await
            .unwrap();
        let (config, key) = sync(&owner, config, &entities()).await;
        let mut options = ConnectOptions::new(database.url());
        options.max_connections(connections);
        say(&mut options);

        let db = RlsConnection::connect_with(options, config.clone(), entities())
            .await
            .unwrap();
        let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
        let fixture = Self {
            database,
            owner,
            db,
            config,
            key,
            ann,
            bob,
        };

        for (id, email) in [(ann, "ann@example.org"), (bob, "bob@example.org")] {
            fixture.insert_user(id, email).await;
        }

        fixture
    }

    /// Another connection as the application's role, to a pool of one.
    pub async fn connect_again(&self) -> RlsConnection {
        let mut options = ConnectOptions::new(self.database.url());
        options.max_connections(1);
        RlsConnection::connect_with(options, self.config.clone(), entities())
            .await
            .unwrap()
    }

    pub fn ann(&self) -> ScopedConnection {
        self.db.scope(self.ann_context())
    }

    pub fn ann_context(&self) -> UserContext {
        UserContext::new(self.ann)
    }

    pub fn bob(&self) -> ScopedConnection {
        self.db.scope(UserContext::new(self.bob))
    }

    pub fn admin(&self) -> sea_orm_rls::AdminConnection {
        self.db
            .admin(AdminContext::new("tester", "looks at all rows").unwrap())
    }

    pub async fn insert_user(&self, id: Uuid, email: &str) {
        use sea_orm::{ActiveModelTrait, Set};

        user::ActiveModel {
            id: Set(id),
            email: Set(email.to_owned()),
        }
        .insert(&self.db.scope(UserContext::new(id)))
        .await
        .unwrap();
    }
}

/// How a plain login may make tables in the schema `public`.
#[derive(Clone, Copy, Debug)]
pub enum Public {
    /// It has all privileges on the schema.
    Granted,
    /// It owns the schema.
    Owned,
}

/// A login with `CREATEROLE` that is no superuser, as migrations have in production.
pub async fn plain_login(database: &testbed::Database, public: Public) -> DatabaseConnection {
    let role = database.role("plain");
    let may = match public {
        Public::Granted => format!("GRANT ALL ON SCHEMA public TO \"{role}\""),
        Public::Owned => format!("ALTER SCHEMA public OWNER TO \"{role}\""),
    };
    let create = format!("CREATE ROLE \"{role}\" LOGIN CREATEROLE PASSWORD 'plain'; {may}");
    database.execute(&create).await.unwrap();

    let url = database.url_as(&role, "plain");
    Database::connect(url).await.unwrap()
}

/// The key of each signed fixture. It is always the same, so that the outputs of all tests can be
/// searched for it: its bytes are the text "this secret stands in no output!".
pub const KEY_ID: &str = "testkey0";
pub const SECRET: &str = "dGhpcyBzZWNyZXQgc3RhbmRzIGluIG5vIG91dHB1dCE=";

pub fn entities() -> Registry {
    registry![user::Entity, task::Entity, note::Entity].unwrap()
}

/// Brings the database to what the entities say. Contexts that policies require to be signed get
/// their first key, as a team makes it: they are sent before they are required.
pub async fn sync(
    owner: &DatabaseConnection,
    config: RlsConfig,
    entities: &Registry,
) -> (RlsConfig, Option<SigningKey>) {
    let schema = |config: &RlsConfig| RlsSchema::new(entities.clone(), config.clone());
    let (config, key) = if config.signs_contexts() == SignedContexts::Required {
        let sent = schema(&config.clone().signed_contexts(SignedContexts::Sent));
        sent.sync(owner).await.unwrap();
        let key: SigningKey = format!("{KEY_ID}:{SECRET}").parse().unwrap();
        sent.add_key(owner, &key).await.unwrap();
        (config.signing_keys(key.clone()), Some(key))
    } else {
        (config, None)
    };

    schema(&config).sync(owner).await.unwrap();
    (config, key)
}

/// With `RLS_TEST_SIGNED`, contexts are signed: what holds without holds with it.
pub fn signed_contexts() -> SignedContexts {
    if std::env::var("RLS_TEST_SIGNED").is_ok() {
        SignedContexts::Required
    } else {
        SignedContexts::Off
    }
}

/// Roles of this database's own, with passwords.
pub fn config(database: &testbed::Database) -> RlsConfig {
    RlsConfig::new()
        .app_login(&database.role("rls_app_user"), "app password'\\")
        .unwrap()
        .admin_login(&database.role("rls_maintenance_admin"), "admin password")
        .unwrap()
}
