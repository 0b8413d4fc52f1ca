//! A database of 1,000 users with 50 tasks each, and the service on it.

use std::fmt;
use std::future::IntoFuture;

use axum::Router;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend, Statement};
use sea_orm_migration::MigratorTraitSelf;
use sea_orm_rls::migration::RlsMigrator;
use sea_orm_rls::{Registry, RlsConfig, RlsConnection};
use tasks_api::app::App;
use tasks_api::route;
use tasks_api::token::Tokens;
use tasks_migration::Migrator;
use testbed::Server;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::plain;

const PASSWORD: &str = "bench";
const POOL: u32 = 8;

/// A comment on each user's first task, whose text says whose it is.
const FILL: &str = r#"
INSERT INTO "user" (id, email) SELECT gen_random_uuid(), 'user' || n || '@example.org' FROM generate_series(1, 1000) n;
INSERT INTO task (id, owner_id, title, created_at)
    SELECT gen_random_uuid(), u.id, 'task ' || n, now() - n * interval '1 hour' - random() * interval '1 hour'
    FROM generate_series(1, 50) n, "user" u ORDER BY random();
INSERT INTO comment (task_id, text)
    SELECT t.id, 'of ' || u.email FROM task t JOIN "user" u ON u.id = t.owner_id WHERE t.title = 'task 1'"#;

/// The services that are compared; the first is what the others are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Scoped,
    /// Plain, with the ping on acquire that SeaORM's pools have unless told.
    PlainWithPing,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Scoped, Self::PlainWithPing];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "without row security, with WHEREs, no ping",
            Self::Scoped => "with row security",
            Self::PlainWithPing => "without row security, with WHEREs, SeaORM's defaults",
        })
    }
}

pub struct Person {
    pub id: Uuid,
    pub email: String,
    pub token: String,
    pub task: Uuid,
}

pub struct World {
    pub kind: Kind,
    pub url: String,
    pub people: Vec<Person>,
    server: Server,
    _database: testbed::Database,
}

impl World {
    pub async fn new(kind: Kind) -> Self {
        let server = Server::builder().own().start().unwrap();
        let database = server.database("load").await.unwrap();
        let config = RlsConfig::new()
            .app_login(&database.role("app"), PASSWORD)
            .unwrap()
            .admin_login(&database.role("admin"), PASSWORD)
            .unwrap()
            // Columns, keys and indexes are the same without it.
            .danger_enabled(kind == Kind::Scoped);

        let owner = Database::connect(database.url()).await.unwrap();
        RlsMigrator::with(Migrator, Registry::linked().unwrap(), config.clone())
            .up(&owner, None)
            .await
            .unwrap();
        database.execute(FILL).await.unwrap();
        database.execute("VACUUM ANALYZE").await.unwrap();

        let secured = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = \
                       'task'::regclass";
        let row = owner
            .query_one_raw(Statement::from_string(DbBackend::Postgres, secured))
            .await
            .unwrap()
            .unwrap();

        assert_eq!(
            row.try_get_by_index::<bool>(0).unwrap(),
            kind == Kind::Scoped
        );

        let tokens = Tokens::new(b"a secret of thirty-two bytes, or more");
        let first = r#"SELECT u.id, u.email, t.id AS task FROM "user" u
                       JOIN task t ON t.owner_id = u.id AND t.title = 'task 1'"#;
        let rows = owner
            .query_all_raw(Statement::from_string(DbBackend::Postgres, first))
            .await
            .unwrap();

        let people = rows.iter().map(|row| {
            let id = row.try_get("", "id").unwrap();
            let (email, task) = (
                row.try_get("", "email").unwrap(),
                row.try_get("", "task").unwrap(),
            );

            Person {
                id,
                email,
                token: tokens.issue(id).unwrap(),
                task,
            }
        });

        let people: Vec<Person> = people.collect();
        assert_eq!(people.len(), 1000);
        owner.close().await.unwrap();

        let mut options =
            ConnectOptions::new(database.url_as(config.app_role().as_str(), PASSWORD));
        options
            .max_connections(POOL)
            .min_connections(POOL)
            .sqlx_logging(false);

        let db = RlsConnection::connect(options.clone(), config)
            .await
            .unwrap();
        let app = App::new(db, tokens);
        let router = match kind {
            Kind::Scoped => route::router(app),
            Kind::Plain => plain::router(
                app,
                Database::connect(options.test_before_acquire(false).clone())
                    .await
                    .unwrap(),
            ),
            Kind::PlainWithPing => plain::router(app, Database::connect(options).await.unwrap()),
        };

        Self {
            kind,
            url: serve(router).await,
            people,
            server,
            _database: database,
        }
    }

    pub fn version(&self) -> String {
        self.server.version().unwrap_or("PostgreSQL").to_owned()
    }
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());

    format!("http://{address}")
}
