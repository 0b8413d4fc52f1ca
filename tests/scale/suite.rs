//! What is run on each engine.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::ConnectOptions;
use sea_orm::sqlx::PgPool;
use sea_orm_rls::{RlsConfig, RlsConnection, RlsError};
use testbed::{Database, Server};
use uuid::Uuid;

use crate::fixture::{self, Fixture};
use crate::load;
use crate::rows;
use crate::table::Row;

const USERS: usize = 8;

/// The password of both roles: some engines read it from files of their own syntax.
pub const PASSWORD: &str = "a-password";

pub struct Suite {
    /// How long each load runs.
    pub seconds: u64,
    /// How often a leader crashes.
    pub failovers: u32,
}

/// A server with a protected database, and users.
pub struct World {
    pub server: Server,
    pub users: Vec<Uuid>,
    pub owner: PgPool,
    pub database: Database,
    pub config: RlsConfig,
}

impl World {
    /// On a server of its own.
    pub async fn new() -> Self {
        Self::on(Server::builder().own().tcp().start().unwrap()).await
    }

    /// On the server at this URL of its administrator.
    pub async fn given(url: &str) -> Self {
        Self::on(Server::builder().given(url).start().unwrap()).await
    }

    async fn on(server: Server) -> Self {
        let configured = |database: &Database| {
            RlsConfig::new()
                .app_login(&database.role("rls_app_user"), PASSWORD)
                .unwrap()
                .admin_login(&database.role("rls_maintenance_admin"), PASSWORD)
                .unwrap()
        };
        let fixture = Fixture::configured(&server, configured, 2, |_| {}).await;

        let users: Vec<_> = (0..USERS).map(|_| Uuid::new_v4()).collect();
        for user in &users {
            fixture
                .insert_user(*user, &format!("{user}@example.org"))
                .await;
        }

        let owner = fixture.owner.get_postgres_connection_pool().clone();
        fixture.db.close().await;
        Self {
            server,
            users,
            owner,
            database: fixture.database,
            config: fixture.config,
        }
    }

    /// The roles of the application, with their passwords.
    pub fn logins(&self) -> [(String, &'static str); 2] {
        [self.config.app_role(), self.config.admin_role()].map(|role| (role.to_string(), PASSWORD))
    }

    /// The URL of the application's login through what listens there.
    pub fn url(&self, address: SocketAddr) -> String {
        let app = self.config.app_role().as_str();
        self.database.proxy_url_as(address, app, PASSWORD)
    }

    /// Another connection of the owner, after the first ones were cut.
    pub async fn reconnected(&self) -> PgPool {
        PgPool::connect(&self.database.url()).await.unwrap()
    }

    /// A pool of at most so many connections through what listens there.
    pub async fn connect(&self, address: SocketAddr, most: u32) -> Result<RlsConnection, RlsError> {
        let mut options = ConnectOptions::new(self.url(address));
        options
            .max_connections(most)
            .acquire_timeout(Duration::from_secs(20));
        RlsConnection::connect_with(options, self.config.clone(), fixture::entities()).await
    }
}

impl Suite {
    /// Isolation, cancellation and load.
    pub async fn all(&self, mut row: Row, world: &World, db: &RlsConnection) -> Row {
        rows::isolation(db, &world.users).await;
        "yes".clone_into(&mut row.isolation);
        rows::cancellation(db, &world.users).await;
        "yes".clone_into(&mut row.cancellation);

        let over = AtomicBool::new(false);
        let time = async {
            tokio::time::sleep(Duration::from_secs(self.seconds)).await;
            over.store(true, Ordering::Relaxed);
        };
        let (mut outcome, ()) = tokio::join!(load::run(db, &world.users, &over), time);
        outcome.compare(&world.owner).await;

        println!("{}: {} s: {}", row.name(), self.seconds, outcome.summary());
        let faults = outcome.faults();
        row.load = format!(
            "{} s: {}",
            self.seconds,
            if faults.is_empty() { "yes" } else { "NO" }
        );
        row.add_faults(faults);
        row
    }
}
