//! The doctor: the rule for it reports every fault, its remedy ends the fault, and nothing else is
//! reported.

mod audit;
mod columns;
mod fault;
mod grants;
mod healthy;
mod names;
mod roles;
mod tables;
mod ways;

use sea_orm::ConnectionTrait;
use sea_orm_rls::doctor::{Doctor, Finding, Report, Severity};
use sea_orm_rls::{Registry, RlsConnection, RlsError, RlsSchema, registry};

use crate::fixture::{Fixture, note, task, user};

/// A partitioned table; only the table has an owner.
mod event {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "event")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub year: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn entities() -> Registry {
    registry![user::Entity, task::Entity, note::Entity, event::Entity].unwrap()
}

/// A protected database in which the doctor finds only hints.
struct Patient {
    fixture: Fixture,
    rls: RlsSchema,
    doctor: Doctor,
    healthy: Report,
}

impl Patient {
    async fn new() -> Self {
        let fixture = Fixture::new(1).await;
        fixture
            .owner
            .execute_unprepared(
                "CREATE TABLE event (id integer, year integer NOT NULL) PARTITION BY RANGE (year);
                 CREATE TABLE event_2026 PARTITION OF event FOR VALUES FROM (2026) TO (2027);
                 REVOKE EXECUTE ON FUNCTION set_config(text, text, boolean) FROM PUBLIC",
            )
            .await
            .unwrap();

        let database = fixture.database.name();
        let temporary = format!("REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC");
        fixture.owner.execute_unprepared(&temporary).await.unwrap();

        let rls = RlsSchema::new(entities(), fixture.config.clone()).danger_accept_weakening(true);
        rls.sync(&fixture.owner).await.unwrap();

        let doctor = Doctor::new(entities(), fixture.config.clone());
        let healthy = doctor.examine(&fixture.owner).await.unwrap();
        assert!(
            healthy
                .findings()
                .iter()
                .all(|finding| finding.severity == Severity::Hint),
            "{}",
            healthy.text(false)
        );

        Self {
            fixture,
            rls,
            doctor,
            healthy,
        }
    }

    /// Runs statements, with this database's names for `APP`, `ADMIN`, `HELPER` and
    /// `DATABASE_NAME`.
    async fn run(&self, sql: &str) {
        let config = &self.fixture.config;
        let sql = sql
            .replace("APP", &format!("\"{}\"", config.app_role()))
            .replace("ADMIN", &format!("\"{}\"", config.admin_role()))
            .replace("HELPER", &self.fixture.database.role("helper"))
            .replace("DATABASE_NAME", self.fixture.database.name());

        self.fixture
            .owner
            .execute_unprepared(&sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn examine(&self) -> Report {
        self.doctor.examine(&self.fixture.owner).await.unwrap()
    }

    /// The findings that were not there in health.
    fn news<'a>(&self, report: &'a Report) -> Vec<&'a Finding> {
        report
            .findings()
            .iter()
            .filter(|finding| !self.healthy.findings().contains(finding))
            .collect()
    }

    async fn gate_is_open(&self) -> bool {
        let config = self.fixture.config.clone();
        match RlsConnection::connect_with(self.fixture.database.url(), config, entities()).await {
            Ok(db) => {
                db.close().await;
                true
            }
            Err(RlsError::Gate(_)) => false,
            Err(other) => panic!("{other}"),
        }
    }
}
