//! What a read of one tenant's rows costs, as the tenants grow.

use std::sync::atomic::{AtomicU64, Ordering};

use harness::{Options, Pace, Samples, Strategy, ratio, take_turns, time, timed};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Schema,
    Statement, Value,
};
use sea_orm_rls::{RlsConfig, RlsConnection, RlsContext, RlsSchema, registry};
use testbed::Server;
use uuid::Uuid;

const FEW: u64 = 10;
const MANY: u64 = 100_000;
const ROWS_EACH: u64 = 10;

mod document {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::TenantScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "document")]
    #[tenant_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Uuid,
        pub title: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Clone, Copy, RlsContext)]
struct Tenant {
    #[setting("app.tenant_id")]
    id: Uuid,
}

struct Side {
    /// A superuser's connection, which row security does not hold.
    plain: DatabaseConnection,
    db: RlsConnection,
    _database: testbed::Database,
}

impl Side {
    async fn new(server: &Server, tenants: u64) -> Self {
        let database = server.database("tenants").await.unwrap();
        // As quick as it can be: SeaORM asks a connection whether it is alive otherwise.
        let mut options = ConnectOptions::new(database.url());
        options.max_connections(1).test_before_acquire(false);
        let owner = Database::connect(options).await.unwrap();
        let tables = Schema::new(DbBackend::Postgres)
            .builder()
            .register(document::Entity);
        tables.sync(&owner).await.unwrap();

        let config = RlsConfig::new()
            .app_login(&database.role("app"), "app")
            .unwrap()
            .admin_login(&database.role("admin"), "admin")
            .unwrap();
        let registry = registry![document::Entity as TenantScoped].unwrap();
        let rls = RlsSchema::new(registry.clone(), config.clone());
        rls.sync(&owner).await.unwrap();

        let fill = format!(
            "INSERT INTO document (id, tenant_id, title)
             SELECT gen_random_uuid(), ('00000000-0000-0000-0000-' || lpad(to_hex(n % {tenants}), 12, '0'))::uuid, 'document ' || n
             FROM generate_series(1, {}) n",
            tenants * ROWS_EACH
        );
        owner.execute_unprepared(&fill).await.unwrap();
        owner
            .execute_unprepared("VACUUM ANALYZE document")
            .await
            .unwrap();

        let mut options = ConnectOptions::new(database.url());
        options.min_connections(1).max_connections(1);
        let db = RlsConnection::connect_with(options, config, registry);
        Self {
            plain: owner,
            db: db.await.unwrap(),
            _database: database,
        }
    }

    /// Each side reads as the same few tenants, so that their rows are as near in both.
    async fn scoped(&self, turn: u64) -> Result<(), DbErr> {
        let context = Tenant { id: tenant(turn) };
        read(&self.db.scope(context), "", []).await
    }

    async fn plain(&self, turn: u64) -> Result<(), DbErr> {
        let condition = "WHERE tenant_id = $1";
        read(&self.plain, condition, [tenant(turn).into()]).await
    }
}

fn tenant(turn: u64) -> Uuid {
    Uuid::from_u128((turn % FEW).into())
}

async fn read<const N: usize>(
    db: &impl ConnectionTrait,
    condition: &str,
    values: [Value; N],
) -> Result<(), DbErr> {
    let sql = format!("SELECT id, title FROM document {condition}");
    let read = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let rows = db.query_all_raw(read).await?;
    assert_eq!(rows.len() as u64, ROWS_EACH);
    Ok(())
}

pub async fn table(server: &Server, options: &Options) -> String {
    let many = options.rows("BENCH_TENANTS", 100, 10_000, MANY);
    let (of_few, of_many) = (Side::new(server, FEW).await, Side::new(server, many).await);
    let turns = AtomicU64::new(0);
    let turn = || turns.fetch_add(1, Ordering::Relaxed) / 4;
    let strategies = [
        Strategy::new("few, WHERE", || timed(of_few.plain(turn()))),
        Strategy::new("few", || timed(of_few.scoped(turn()))),
        Strategy::new("many, WHERE", || timed(of_many.plain(turn()))),
        Strategy::new("many", || timed(of_many.scoped(turn()))),
    ];
    let samples = take_turns(&strategies, Pace::of(options, 20, 20)).await;

    let line = |tenants: u64, plain: &Samples, scoped: &Samples| {
        format!(
            "| {tenants} | {} | {} | {} | {:.3} |\n",
            time(plain.median()),
            time(scoped.median()),
            time(scoped.p99()),
            ratio(scoped, plain)
        )
    };
    let growth = ratio(&samples[3], &samples[2]) / ratio(&samples[1], &samples[0]);
    format!(
        "| tenants | WHERE, median | scoped, median | scoped, p99 | to WHERE |\n|---:|---:|---:|---:|---:|\n\
         {}{}\n{} rounds; the ratio grows by {growth:.3}\n",
        line(FEW, &samples[0], &samples[1]),
        line(many, &samples[2], &samples[3]),
        samples[0].count()
    )
}
