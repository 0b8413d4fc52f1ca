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

use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_rls::doctor::{Doctor, Finding, Report, RunAs, Severity};
use sea_orm_rls::{Registry, RlsConnection, RlsError, RlsSchema, registry};

use crate::fixture::{Fixture, note, task, user};
use crate::schema::text;

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

/// The role of a login, as SQL.
async fn login(db: &DatabaseConnection) -> String {
    text(db, "SELECT quote_ident(current_user)").await
}

fn entities() -> Registry {
    registry![user::Entity, task::Entity, note::Entity, event::Entity].unwrap()
}

/// A protected database in which the doctor finds only hints.
struct Patient {
    fixture: Fixture,
    superuser: DatabaseConnection,
    rls: RlsSchema,
    doctor: Doctor,
    healthy: Report,
}

impl Patient {
    /// One that a superuser migrates.
    async fn new() -> Self {
        let fixture = Fixture::new(1).await;
        let superuser = fixture.owner.clone();
        Self::of(fixture, superuser).await
    }

    /// One that a plain login migrates, which owns the tables and may create roles.
    async fn of_plain_owner() -> Self {
        let (fixture, superuser) = Fixture::of_plain_owner(1).await;
        Self::of(fixture, superuser).await
    }

    async fn of(fixture: Fixture, superuser: DatabaseConnection) -> Self {
        fixture
            .owner
            .execute_unprepared(
                "CREATE TABLE event (id integer, year integer NOT NULL) PARTITION BY RANGE (year);
                 CREATE TABLE event_2026 PARTITION OF event FOR VALUES FROM (2026) TO (2027)",
            )
            .await
            .unwrap();

        let (database, owner) = (fixture.database.name(), login(&fixture.owner).await);
        let needless = format!(
            "REVOKE EXECUTE ON FUNCTION set_config(text, text, boolean) FROM PUBLIC;
             GRANT EXECUTE ON FUNCTION set_config(text, text, boolean) TO {owner};
             REVOKE EXECUTE ON ROUTINE lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea)
               FROM PUBLIC;
             REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
             GRANT USAGE ON LANGUAGE plpgsql TO {owner};
             REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC;
             GRANT TEMPORARY ON DATABASE {database} TO {owner}"
        );
        superuser.execute_unprepared(&needless).await.unwrap();

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
            superuser,
            rls,
            doctor,
            healthy,
        }
    }

    /// Runs statements as a superuser, with this database's names for `APP`, `ADMIN`, `HELPER`,
    /// `MIGRATOR` and `DATABASE_NAME`.
    async fn run(&self, sql: &str) {
        let config = &self.fixture.config;
        let migrator = login(&self.fixture.owner).await;
        let sql = sql
            .replace("APP", &format!("\"{}\"", config.app_role()))
            .replace("ADMIN", &format!("\"{}\"", config.admin_role()))
            .replace("HELPER", &self.fixture.database.role("helper"))
            .replace("MIGRATOR", &migrator)
            .replace("DATABASE_NAME", self.fixture.database.name());

        self.superuser
            .execute_unprepared(&sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Runs a remedy's statements as the login that it names.
    async fn run_as(&self, run_as: &RunAs, statements: &[String]) {
        let statements = statements.join("; ");
        let sql = match run_as {
            RunAs::Role(role) => format!(
                "SET SESSION AUTHORIZATION \"{role}\"; {statements}; RESET SESSION AUTHORIZATION"
            ),
            RunAs::Superuser => statements,
            other => panic!("nobody knows who is {other}"),
        };

        self.superuser
            .execute_unprepared(&sql)
            .await
            .unwrap_or_else(|error| panic!("{run_as}: {sql}: {error}"));
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
