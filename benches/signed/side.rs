//! One of the two databases: with contexts that are signed, or that are not.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DbBackend, DbErr, Schema, Statement,
    TransactionTrait,
};
use sea_orm_rls::signing::SignedContexts;
use sea_orm_rls::{
    Registry, RlsConfig, RlsConnection, RlsSchema, ScopedConnection, UserContext, registry,
};
use testbed::Server;
use uuid::Uuid;

const PASSWORD: &str = "bench";

/// Who reads ten rows, and who reads a thousand.
const TEN: u128 = 7;
const THOUSAND: u128 = 1 << 64;

pub mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(no_foreign_key, index(created_at))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub owner_id: Uuid,
        pub created_at: DateTimeWithTimeZone,
        pub title: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub struct Side {
    db: RlsConnection,
    _database: testbed::Database,
    written: AtomicU64,
}

fn entities() -> Registry {
    registry![task::Entity].unwrap()
}

impl Side {
    pub async fn new(server: &Server, proxy: Option<SocketAddr>, signed: bool, rows: u64) -> Self {
        let database = server.database("signed").await.unwrap();
        let config = RlsConfig::new()
            .app_login(&database.role("app"), PASSWORD)
            .unwrap()
            .admin_login(&database.role("admin"), PASSWORD)
            .unwrap();
        let owner = Database::connect(database.url()).await.unwrap();
        let tables = Schema::new(DbBackend::Postgres)
            .builder()
            .register(task::Entity);
        tables.sync(&owner).await.unwrap();

        let schema = |config: &RlsConfig| RlsSchema::new(entities(), config.clone());
        let config = if signed {
            let sent = config.signed_contexts(SignedContexts::Sent);
            schema(&sent).sync(&owner).await.unwrap();
            let key = schema(&sent)
                .rotate_keys(&owner, Duration::ZERO)
                .await
                .unwrap();
            sent.signed_contexts(SignedContexts::Required)
                .signing_keys(key)
        } else {
            config
        };
        schema(&config).sync(&owner).await.unwrap();
        owner.close().await.unwrap();

        let fill = format!(
            "INSERT INTO task (id, owner_id, created_at, title)
             SELECT gen_random_uuid(), ('00000000-0000-0000-0000-' || lpad(to_hex(n / 10), 12, '0'))::uuid,
                 now() - n * interval '1 second', 'task ' || n
             FROM generate_series(1, {rows}) n;
             INSERT INTO task (id, owner_id, created_at, title)
             SELECT gen_random_uuid(), '{}', now() - n * interval '1 minute', 'task ' || n
             FROM generate_series(1, 1000) n",
            Uuid::from_u128(THOUSAND)
        );
        database.execute(&fill).await.unwrap();
        database.execute("VACUUM ANALYZE").await.unwrap();

        let app = config.app_role().as_str();
        let url = match proxy {
            Some(address) => database.proxy_url_as(address, app, PASSWORD),
            None => database.tcp_url_as(app, PASSWORD).unwrap(),
        };
        let mut options = ConnectOptions::new(url);
        options.min_connections(1).max_connections(1);
        let db = RlsConnection::connect_with(options, config, entities())
            .await
            .unwrap();

        Self {
            db,
            _database: database,
            written: AtomicU64::new(0),
        }
    }

    fn scope(&self, user: u128) -> ScopedConnection {
        self.db.scope(UserContext::new(Uuid::from_u128(user)))
    }

    pub async fn read(&self) -> Result<(), DbErr> {
        let read = statement("SELECT id, title FROM task");
        let rows = self.scope(TEN).query_all_raw(read).await?;
        assert_eq!(rows.len(), 10);
        Ok(())
    }

    pub async fn newest(&self) -> Result<(), DbErr> {
        let newest = "SELECT id, title FROM task ORDER BY created_at DESC LIMIT 20";
        let rows = self
            .scope(THOUSAND)
            .query_all_raw(statement(newest))
            .await?;
        assert_eq!(rows.len(), 20);
        Ok(())
    }

    /// Reads all users' rows, since no index may be used. The transaction ends it.
    pub async fn scan(&self) -> Result<(), DbErr> {
        let transaction = self.scope(TEN).begin().await?;
        transaction
            .execute_unprepared(
                "SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off",
            )
            .await?;
        transaction
            .query_one_raw(statement("SELECT count(*) FROM task"))
            .await?;
        transaction.rollback().await
    }

    pub async fn insert(&self) -> Result<(), DbErr> {
        // By a user of their own each time, so that reads do not grow.
        let user = (1 << 100) + u128::from(self.written.fetch_add(1, Ordering::Relaxed));
        let writer = self.scope(user);
        let insert = "INSERT INTO task (id, created_at, title)
                      SELECT gen_random_uuid(), now(), 'new' FROM generate_series(1, 10000)";
        let inserted = writer.execute_raw(statement(insert)).await?;
        assert_eq!(inserted.rows_affected(), 10_000);
        Ok(())
    }
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql)
}
