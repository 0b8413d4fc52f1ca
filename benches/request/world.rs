//! The server, the two tables with their rows, and the links to them.

use std::fmt;
use std::time::Duration;

use sea_orm::{Database as SeaDatabase, DbBackend, Schema};
use sea_orm_rls::{Registry, RlsConfig, RlsSchema, registry};
use testbed::{Database, Proxy, Server};
use uuid::Uuid;

use crate::entity::task;

pub const ROWS_OF_USER: usize = 10;
const READERS: u128 = 10_000;
const ROUND_TRIP: Duration = Duration::from_millis(1);
const PASSWORD: &str = "bench";

/// How far the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Link {
    Loopback,
    OneMillisecond,
}

impl Link {
    pub const ALL: [Self; 2] = [Self::Loopback, Self::OneMillisecond];
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "loopback",
            Self::OneMillisecond => "1 ms round trip",
        })
    }
}

pub struct World {
    server: Server,
    database: Database,
    config: RlsConfig,
    proxy: Proxy,
}

impl World {
    pub async fn new() -> Self {
        // Without autovacuum, which would run in somebody's turn.
        let server = Server::builder()
            .own()
            .tcp()
            .setting("autovacuum", "off")
            .start()
            .unwrap();

        let database = server.database("request").await.unwrap();
        let config = RlsConfig::new()
            .app_login(&database.role("app"), PASSWORD)
            .unwrap();
        let config = config
            .admin_login(&database.role("admin"), PASSWORD)
            .unwrap();
        let owner = SeaDatabase::connect(database.url()).await.unwrap();
        let tables = Schema::new(DbBackend::Postgres)
            .builder()
            .register(task::Entity);

        tables.sync(&owner).await.unwrap();
        RlsSchema::new(entities(), config.clone())
            .sync(&owner)
            .await
            .unwrap();
        owner.close().await.unwrap();

        // The twin has the same columns, defaults and indexes, and the same rows in the same order.
        let fill = format!(
            "CREATE TABLE task_plain (LIKE task INCLUDING ALL);
             GRANT SELECT, INSERT, UPDATE, DELETE ON task_plain TO {app};
             INSERT INTO task (id, owner_id, title, rank)
             SELECT gen_random_uuid(), ('00000000-0000-0000-0000-' || lpad(to_hex(user_number), \
             12, '0'))::uuid,
                 'task ' || n, n
             FROM generate_series(1, {ROWS_OF_USER}) n, generate_series(0, {READERS} - 1) \
             user_number;
             INSERT INTO task_plain SELECT * FROM task",
            app = config.app_role(),
        );

        database.execute(&fill).await.unwrap();
        database.execute("VACUUM ANALYZE").await.unwrap();

        let proxy = Proxy::to(&server).round_trip(ROUND_TRIP).start().unwrap();

        Self {
            server,
            database,
            config,
            proxy,
        }
    }

    pub fn version(&self) -> String {
        self.server.version().unwrap_or("PostgreSQL").to_owned()
    }

    pub fn config(&self) -> &RlsConfig {
        &self.config
    }

    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// For the application's role, which every strategy logs in as.
    pub fn url(&self, link: Link) -> String {
        let app = self.config.app_role().as_str();
        match link {
            Link::Loopback => self.database.tcp_url_as(app, PASSWORD).unwrap(),
            Link::OneMillisecond => self
                .database
                .proxy_url_as(self.proxy.address(), app, PASSWORD),
        }
    }
}

pub fn entities() -> Registry {
    registry![task::Entity].unwrap()
}

/// One of those who have rows.
pub fn reader(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number) * 7919 % READERS)
}

/// Who has none, and so can write without the reads growing.
pub fn writer(number: u64) -> Uuid {
    Uuid::from_u128(READERS + u128::from(number) * 7919 % READERS)
}
