//! A database with its tables and policies, and two connections: one with a context, and one that row
//! security does not hold.

use std::time::Duration;

use harness::timed;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement,
    Value,
};
use sea_orm_rls::model::Settings;
use sea_orm_rls::{Registry, RlsConfig, RlsConnection, RlsSchema};
use testbed::Server;

const PASSWORD: &str = "bench";

pub fn server() -> Server {
    let settings = [
        ("autovacuum", "off"),
        ("shared_buffers", "512MB"),
        ("maintenance_work_mem", "256MB"),
        ("max_parallel_workers_per_gather", "0"),
    ];
    let builder = settings
        .iter()
        .fold(Server::builder().own().tcp(), |server, (name, value)| {
            server.setting(name, value)
        });
    builder.room(3 << 30).start().unwrap()
}

pub struct World {
    database: testbed::Database,
    /// As superuser, with explicit conditions.
    plain: DatabaseConnection,
    scoped: RlsConnection,
}

impl World {
    /// Makes the tables, protects those of the registry, and fills them afterwards.
    pub async fn new(server: &Server, registry: Registry, tables: &str, fill: &str) -> Self {
        let database = server.database("large").await.unwrap();
        let config = RlsConfig::new()
            .app_login(&database.role("app"), PASSWORD)
            .unwrap()
            .admin_login(&database.role("admin"), PASSWORD)
            .unwrap();
        database.execute(tables).await.unwrap();

        let plain = Database::connect(one(database.tcp_url().unwrap()))
            .await
            .unwrap();
        RlsSchema::new(registry.clone(), config.clone())
            .sync(&plain)
            .await
            .unwrap();
        database.execute(fill).await.unwrap();
        database.execute("VACUUM ANALYZE").await.unwrap();

        let url = one(database.tcp_url().unwrap());
        let scoped = RlsConnection::connect_with(url, config, registry).await;
        Self {
            database,
            plain,
            scoped: scoped.unwrap(),
        }
    }

    /// Reads with an explicit condition, and says how long it took.
    pub async fn plain(&self, sql: &str, values: &[Value], rows: usize) -> Duration {
        timed(read(&self.plain, sql, values, rows)).await
    }

    /// Reads in a context, and says how long it took.
    pub async fn scoped(
        &self,
        context: &Settings,
        sql: &str,
        values: &[Value],
        rows: usize,
    ) -> Duration {
        let scope = self.scoped.scope(context.clone());
        timed(read(&scope, sql, values, rows)).await
    }

    /// What the session with the contexts has resident of its own, in KiB.
    pub async fn session(&self) -> u64 {
        let app = self.scoped.config().app_role();
        let sql = format!("SELECT pid FROM pg_stat_activity WHERE usename = '{app}'");
        let found = self
            .plain
            .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await
            .unwrap();
        let process: i32 = found.unwrap().try_get_by_index(0).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix("RssAnon:"));
        let kib = line.and_then(|it| it.trim().strip_suffix(" kB"));
        kib.and_then(|it| it.parse().ok()).unwrap()
    }

    pub fn name(&self) -> &str {
        self.database.name()
    }
}

fn one(url: String) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).test_before_acquire(false);
    options
}

async fn read(
    db: &impl ConnectionTrait,
    sql: &str,
    values: &[Value],
    rows: usize,
) -> Result<(), DbErr> {
    let read = Statement::from_sql_and_values(DbBackend::Postgres, sql, values.to_vec());
    let found = db.query_all_raw(read).await?;
    assert_eq!(found.len(), rows, "{sql}");
    Ok(())
}

/// A context with the user of this number.
pub fn user(number: u64) -> Settings {
    let key = uuid::Uuid::from_u128(number.into()).to_string();
    Settings::new().with("app.user_id", key).unwrap()
}

/// SQL for the key of the user whose number the expression gives.
pub fn key(number: &str) -> String {
    format!("('00000000-0000-0000-0000-' || lpad(to_hex({number}), 12, '0'))::uuid")
}
