//! The level `signed` is said of no database that has a way around, and what the server itself evaluates
//! before policies is refused in a scope.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Set};
use sea_orm_rls::RlsError;
use sea_orm_rls::doctor::{Doctor, Level, Report};

use super::new_task;
use crate::fixture::{Fixture, entities, task};
use crate::schema::text;

pub(super) struct Hardened {
    pub(super) fixture: Fixture,
    doctor: Doctor,
}

impl Hardened {
    async fn new() -> Self {
        Self::of(Fixture::signed(1).await).await
    }

    pub(super) async fn of(fixture: Fixture) -> Self {
        let doctor = Doctor::new(entities(), fixture.config.clone());
        let hardened = Self { fixture, doctor };
        hardened.harden().await;
        hardened
    }

    /// Runs what `rls harden` prints, which reaches the level.
    pub(super) async fn harden(&self) {
        for (_, statements) in self.report().await.hardening() {
            for statement in statements {
                self.run(&statement).await;
            }
        }
        let report = self.report().await;
        assert_eq!(report.level(), Level::Signed, "{}", report.text(false));
    }

    pub(super) async fn run(&self, sql: &str) {
        let sql = sql
            .replace("APP", &format!("\"{}\"", self.fixture.config.app_role()))
            .replace("HELPER", &self.fixture.database.role("helper"));
        self.fixture.owner.execute_unprepared(&sql).await.unwrap();
    }

    /// Asserts that what the statements do ends the level, until it is undone.
    async fn ends(&self, way: &str, undo: &str) {
        self.run(way).await;
        let report = self.report().await;
        assert_ne!(report.level(), Level::Signed, "{way}");
        self.run(undo).await;
        let report = self.report().await;
        assert_eq!(
            report.level(),
            Level::Signed,
            "{undo}: {}",
            report.text(false)
        );
    }

    pub(super) async fn report(&self) -> Report {
        self.doctor.examine(&self.fixture.owner).await.unwrap()
    }
}

/// Ways around that a database can have, and what takes each away.
#[rustfmt::skip]
const WAYS: &[(&str, &str)] = &[
    ("ALTER TABLE task DISABLE ROW LEVEL SECURITY", "ALTER TABLE task ENABLE ROW LEVEL SECURITY"),
    ("ALTER TABLE task NO FORCE ROW LEVEL SECURITY", "ALTER TABLE task FORCE ROW LEVEL SECURITY"),
    ("ALTER ROLE APP BYPASSRLS", "ALTER ROLE APP NOBYPASSRLS"),
    ("ALTER ROLE APP CREATEROLE", "ALTER ROLE APP NOCREATEROLE"),
    ("GRANT pg_read_all_data TO APP", "REVOKE pg_read_all_data FROM APP"),
    ("GRANT TRUNCATE ON task TO APP", "REVOKE TRUNCATE ON task FROM APP"),
    ("CREATE VIEW v AS SELECT * FROM task; GRANT SELECT ON v TO APP", "DROP VIEW v"),
    (
        "CREATE MATERIALIZED VIEW v AS SELECT * FROM task; GRANT SELECT ON v TO APP",
        "DROP MATERIALIZED VIEW v",
    ),
    (
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM task'",
        "DROP FUNCTION f()",
    ),
    ("CREATE POLICY stray ON task TO APP USING (true)", "DROP POLICY stray ON task"),
    ("CREATE TABLE other (owner_id uuid); GRANT SELECT ON other TO APP", "DROP TABLE other"),
    ("GRANT CREATE ON SCHEMA public TO APP", "REVOKE CREATE ON SCHEMA public FROM APP"),
    ("GRANT USAGE ON LANGUAGE plpgsql TO APP", "REVOKE USAGE ON LANGUAGE plpgsql FROM APP"),
    ("CREATE SCHEMA evil AUTHORIZATION APP", "DROP SCHEMA evil"),
    (
        "CREATE VIEW v AS SELECT id FROM rls_signing_key; GRANT SELECT ON v TO APP",
        "DROP VIEW v",
    ),
    (
        "CREATE MATERIALIZED VIEW v AS SELECT id FROM rls_signing_key; GRANT SELECT ON v TO APP",
        "DROP MATERIALIZED VIEW v",
    ),
    (
        "CREATE SCHEMA s; CREATE VIEW s.rls_signed_context AS SELECT * FROM rls_signing_key;
         GRANT SELECT ON s.rls_signed_context TO APP",
        "DROP SCHEMA s CASCADE",
    ),
    (
        "CREATE SCHEMA s; CREATE TABLE s.rls_signing_key AS SELECT * FROM public.rls_signing_key;
         GRANT SELECT ON s.rls_signing_key TO APP",
        "DROP SCHEMA s CASCADE",
    ),
    (
        "CREATE SCHEMA s; CREATE TABLE s.titles AS SELECT title FROM task; GRANT SELECT ON s.titles TO APP",
        "DROP SCHEMA s CASCADE",
    ),
    (
        "CREATE FUNCTION f(bigint, int) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM task';
         REVOKE EXECUTE ON FUNCTION f FROM PUBLIC; CREATE AGGREGATE a (int) (SFUNC = f, STYPE = bigint)",
        "DROP AGGREGATE a (int); DROP FUNCTION f",
    ),
    (
        "CREATE SCHEMA s; CREATE FUNCTION s.f() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = ''
         AS 'SELECT string_agg(title, '','') FROM public.task'",
        "DROP SCHEMA s CASCADE",
    ),
    (
        "CREATE TABLE p (id text NOT NULL); ALTER TABLE rls_signing_key INHERIT p; GRANT SELECT ON p TO APP",
        "ALTER TABLE rls_signing_key NO INHERIT p; DROP TABLE p",
    ),
    (
        "CREATE TABLE copy (id text);
         CREATE RULE copies AS ON INSERT TO rls_signing_key DO ALSO INSERT INTO copy VALUES (new.id)",
        "DROP RULE copies ON rls_signing_key; DROP TABLE copy",
    ),
    (
        "UPDATE pg_proc SET procost = 1 WHERE proname = 'uuid_eq'",
        "UPDATE pg_proc SET procost = 0 WHERE proname = 'uuid_eq'",
    ),
    // What the application's role owns.
    (
        "CREATE FUNCTION owned() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION owned OWNER TO APP",
        "DROP FUNCTION owned",
    ),
    ("CREATE TYPE owned AS (a int); ALTER TYPE owned OWNER TO APP", "DROP TYPE owned"),
    ("CREATE DOMAIN owned AS int; ALTER DOMAIN owned OWNER TO APP", "DROP DOMAIN owned"),
    (
        "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, PROCEDURE = int4eq);
         ALTER OPERATOR === (int, int) OWNER TO APP",
        "DROP OPERATOR === (int, int)",
    ),
    ("CREATE TABLE owned (a int); ALTER TABLE owned OWNER TO APP", "DROP TABLE owned"),
    ("CREATE SEQUENCE owned; ALTER SEQUENCE owned OWNER TO APP", "DROP SEQUENCE owned"),
    ("CREATE COLLATION owned FROM \"C\"; ALTER COLLATION owned OWNER TO APP", "DROP COLLATION owned"),
    ("CREATE PUBLICATION owned; ALTER PUBLICATION owned OWNER TO APP", "DROP PUBLICATION owned"),
    (
        "CREATE FOREIGN DATA wrapper wire; CREATE SERVER owned FOREIGN DATA wrapper wire;
         GRANT USAGE ON FOREIGN DATA wrapper wire TO APP; ALTER SERVER owned OWNER TO APP;
         REVOKE USAGE ON FOREIGN DATA wrapper wire FROM APP",
        "DROP FOREIGN DATA wrapper wire CASCADE",
    ),
    ("SELECT lo_create(4711); ALTER LARGE OBJECT 4711 OWNER TO APP", "SELECT lo_unlink(4711)"),
    // Privileges on the server's own objects, and on what stands among them.
    ("GRANT SELECT ON LARGE OBJECT 4712 TO APP", "REVOKE ALL ON LARGE OBJECT 4712 FROM APP"),
    ("GRANT SELECT (rolpassword) ON pg_authid TO APP", "REVOKE SELECT (rolpassword) ON pg_authid FROM APP"),
    (
        "GRANT SELECT (stavalues1) ON pg_statistic TO PUBLIC",
        "REVOKE SELECT (stavalues1) ON pg_statistic FROM PUBLIC",
    ),
    (
        "GRANT UPDATE (relrowsecurity) ON pg_class TO APP",
        "REVOKE UPDATE (relrowsecurity) ON pg_class FROM APP",
    ),
    (
        "GRANT SELECT ON information_schema._pg_user_mappings TO APP",
        "REVOKE SELECT ON information_schema._pg_user_mappings FROM APP",
    ),
    (
        "GRANT UPDATE (feature_name) ON information_schema.sql_features TO APP",
        "REVOKE UPDATE (feature_name) ON information_schema.sql_features FROM APP",
    ),
    (
        "CREATE VIEW information_schema.v AS SELECT * FROM public.task;
         GRANT SELECT ON information_schema.v TO APP",
        "DROP VIEW information_schema.v",
    ),
    (
        "CREATE FUNCTION information_schema.f() RETURNS bigint LANGUAGE sql SECURITY DEFINER
           SET search_path = '' AS 'SELECT count(*) FROM public.task'",
        "DROP FUNCTION information_schema.f()",
    ),
    ("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO APP", "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM APP"),
    ("GRANT EXECUTE ON FUNCTION lo_import(text) TO PUBLIC", "REVOKE EXECUTE ON FUNCTION lo_import(text) FROM PUBLIC"),
    // Counters.
    (
        "GRANT EXECUTE ON FUNCTION pg_stat_get_xact_tuples_returned(oid) TO APP",
        "REVOKE EXECUTE ON FUNCTION pg_stat_get_xact_tuples_returned(oid) FROM APP",
    ),
    (
        "GRANT EXECUTE ON FUNCTION pg_lock_status() TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION pg_lock_status() FROM PUBLIC",
    ),
    // Members of extensions.
    (
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM task';
         ALTER EXTENSION plpgsql ADD FUNCTION f",
        "ALTER EXTENSION plpgsql DROP FUNCTION f; DROP FUNCTION f",
    ),
    (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f FROM PUBLIC;
         ALTER EXTENSION plpgsql ADD FUNCTION f; GRANT EXECUTE ON FUNCTION f TO APP",
        "ALTER EXTENSION plpgsql DROP FUNCTION f; DROP FUNCTION f",
    ),
    (
        "CREATE VIEW v AS SELECT 1 AS a, 2 AS b; ALTER EXTENSION plpgsql ADD VIEW v; GRANT SELECT (a) ON v TO APP",
        "ALTER EXTENSION plpgsql DROP VIEW v; DROP VIEW v",
    ),
    // What will be created.
    (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO APP",
        "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM APP",
    ),
    (
        "ALTER DEFAULT PRIVILEGES GRANT CREATE ON SCHEMAS TO APP",
        "ALTER DEFAULT PRIVILEGES REVOKE CREATE ON SCHEMAS FROM APP",
    ),
    // Predefined roles.
    ("GRANT pg_write_all_data TO APP", "REVOKE pg_write_all_data FROM APP"),
    ("GRANT pg_monitor TO APP", "REVOKE pg_monitor FROM APP"),
    ("GRANT pg_stat_scan_tables TO APP", "REVOKE pg_stat_scan_tables FROM APP"),
    ("GRANT pg_read_all_settings TO APP", "REVOKE pg_read_all_settings FROM APP"),
    ("GRANT pg_signal_backend TO APP", "REVOKE pg_signal_backend FROM APP"),
    (
        "CREATE ROLE HELPER; GRANT pg_read_all_data TO HELPER; GRANT HELPER TO APP",
        "REVOKE HELPER FROM APP; DROP ROLE HELPER",
    ),
];

/// Each is undone before the next.
#[tokio::test]
async fn no_database_with_a_way_around_has_the_level_signed() {
    let hardened = Hardened::new().await;
    hardened.run("SELECT lo_create(4712)").await;
    for &(way, undo) in WAYS {
        hardened.ends(way, undo).await;
    }

    since(&hardened).await;

    // Policies that read unsigned contexts, which any statement can change.
    let schema = sea_orm_rls::RlsSchema::new(
        entities(),
        hardened
            .fixture
            .config
            .clone()
            .signed_contexts(sea_orm_rls::signing::SignedContexts::Sent),
    );
    let consented = schema.danger_accept_weakening(true);
    consented.sync(&hardened.fixture.owner).await.unwrap();
    assert_eq!(hardened.report().await.level(), Level::Open);
}

/// What younger servers have.
async fn since(hardened: &Hardened) {
    let version = text(&hardened.fixture.owner, "SHOW server_version_num").await;
    let version: i32 = version.parse().unwrap();
    for (since, way, undo) in [
        (
            160_000,
            "GRANT pg_create_subscription TO APP",
            "REVOKE pg_create_subscription FROM APP",
        ),
        // Neither inherited nor for `SET ROLE`: whoever may grant it can change that.
        (
            160_000,
            "GRANT pg_read_all_data TO APP WITH INHERIT FALSE, SET FALSE, ADMIN TRUE",
            "REVOKE pg_read_all_data FROM APP",
        ),
        (
            170_000,
            "GRANT pg_maintain TO APP",
            "REVOKE pg_maintain FROM APP",
        ),
        (
            180_000,
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO APP",
            "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON LARGE OBJECTS FROM APP",
        ),
    ] {
        if version >= since {
            hardened.ends(way, undo).await;
        }
    }
}

/// A key that someone puts into a child of the table is none.
#[tokio::test]
async fn key_in_a_child_of_the_table_signs_nothing() {
    let fixture = Fixture::signed(1).await;
    new_task("hers").insert(&fixture.ann()).await.unwrap();
    let moved = "CREATE TABLE child () INHERITS (rls_signing_key);
                 WITH k AS (DELETE FROM ONLY rls_signing_key RETURNING *) INSERT INTO child SELECT * FROM k";
    fixture.owner.execute_unprepared(moved).await.unwrap();
    let refused = task::Entity::find().all(&fixture.ann()).await.unwrap_err();
    assert!(
        matches!(RlsError::from(refused), RlsError::ContextRefused { .. }),
        "read by a key of the child"
    );
}

#[tokio::test]
async fn what_is_evaluated_or_counted_before_policies_is_refused() {
    let fixture = Fixture::signed(1).await;
    let hers = new_task("hers").insert(&fixture.ann()).await.unwrap();
    let upsert = |condition: bool| {
        let mut conflict = OnConflict::column(task::Column::Id);
        conflict.update_column(task::Column::Title);
        if condition {
            conflict.action_and_where(Expr::col((task::Entity, task::Column::Rank)).gte(0));
        }
        let again = task::ActiveModel {
            id: Set(hers.id),
            ..new_task("again")
        };
        task::Entity::insert(again).on_conflict(conflict)
    };
    let is_refused = |error| matches!(RlsError::from(error), RlsError::BeforePolicies { .. });

    let ann = fixture.ann();
    assert!(is_refused(upsert(true).exec(&ann).await.unwrap_err()));
    upsert(false).exec(&ann).await.unwrap();
    let explain = ann
        .execute_unprepared("EXPLAIN ANALYZE SELECT * FROM task")
        .await;
    assert!(is_refused(explain.unwrap_err()));
    ann.execute_unprepared("EXPLAIN SELECT * FROM task")
        .await
        .unwrap();

    // Administrators see all rows.
    fixture
        .admin()
        .execute_unprepared("EXPLAIN ANALYZE SELECT * FROM task")
        .await
        .unwrap();

    // Without signed contexts, an injected statement has other ways.
    let unsigned = Fixture::configured(
        testbed::server().unwrap(),
        crate::fixture::config,
        1,
        |_| {},
    )
    .await;
    unsigned
        .ann()
        .execute_unprepared("EXPLAIN ANALYZE SELECT * FROM task")
        .await
        .unwrap();
}
