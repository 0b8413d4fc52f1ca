//! Policies of one's own, of every kind PostgreSQL knows: said in Rust, compared by the server,
//! applied.

mod attacked;
mod changed;
mod circle;
mod deleted;
mod dump;
mod expressions;
mod filters;
mod plans;
mod property;
mod renamed;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::policy::PolicyDraft;
use sea_orm_rls::schema::Plan;
use sea_orm_rls::{Registry, RlsConfig, RlsError, RlsSchema};

use crate::schema::{database, texts};

pub mod thing {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "thing")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub owner_id: i32,
        pub org: i64,
        pub label: String,
        pub flag: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const TABLE: &str = r"CREATE TYPE state AS ENUM ('Open', 'open', 'shut');
    CREATE TABLE thing (
        id integer PRIMARY KEY, owner_id integer NOT NULL, org bigint NOT NULL, label text NOT NULL DEFAULT '',
        flag boolean NOT NULL DEFAULT false, state state, tags text[], amount numeric(10, 2), made timestamptz,
        parent integer REFERENCES thing
    );
    CREATE TABLE member (org bigint NOT NULL, account integer NOT NULL, PRIMARY KEY (org, account));
    CREATE SCHEMA side;
    CREATE TABLE side.thing (LIKE public.thing);";

/// A database with the table `thing`, which has whatever policies a test gives it.
pub struct Things {
    pub database: testbed::Database,
    pub owner: DatabaseConnection,
    pub config: RlsConfig,
}

impl Things {
    pub async fn new() -> Self {
        let (database, owner) = database().await;
        owner.execute_unprepared(TABLE).await.unwrap();

        // Without passwords, whose comparison costs more than all else here.
        let config = RlsConfig::from_lookup(|variable| {
            Ok(match variable {
                "RLS_APP_USER" => Some(database.role("rls_app_user")),
                "RLS_MAINTENANCE_ADMIN" => Some(database.role("rls_maintenance_admin")),
                _ => None,
            })
        })
        .unwrap();

        Self {
            database,
            owner,
            config,
        }
    }

    pub fn rls(&self, policies: impl IntoIterator<Item = PolicyDraft>) -> RlsSchema {
        let registry =
            Registry::new([Declaration::policies_of::<thing::Entity>(policies)]).unwrap();
        RlsSchema::new(registry, self.config.clone())
    }

    pub async fn sync(
        &self,
        policies: impl IntoIterator<Item = PolicyDraft>,
    ) -> Result<Plan, RlsError> {
        self.rls(policies)
            .danger_accept_weakening(true)
            .sync(&self.owner)
            .await
    }

    pub async fn plan(
        &self,
        policies: impl IntoIterator<Item = PolicyDraft>,
    ) -> Result<Plan, RlsError> {
        self.rls(policies).plan(&self.owner).await
    }

    /// What the catalog holds of a table's policies, one a line.
    pub async fn held(&self, table: &str) -> Vec<String> {
        texts(
            &self.owner,
            &format!(
                "SELECT concat_ws(' | ', policyname, permissive, roles, cmd, coalesce(qual, '-'), \
                 coalesce(with_check, '-'))
                 FROM pg_policies WHERE schemaname = 'public' AND tablename = '{table}' ORDER BY \
                 policyname"
            ),
        )
        .await
    }
}
