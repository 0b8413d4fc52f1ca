//! The level `signed` is said of no database that has a way around, and what the server itself evaluates
//! before policies is refused in a scope.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Set};
use sea_orm_rls::RlsError;
use sea_orm_rls::doctor::{Doctor, Level, Report};

use super::new_task;
use crate::fixture::{Fixture, entities, task};

struct Hardened {
    fixture: Fixture,
    doctor: Doctor,
}

impl Hardened {
    async fn new() -> Self {
        let fixture = Fixture::signed(1).await;
        let doctor = Doctor::new(entities(), fixture.config.clone());
        let hardened = Self { fixture, doctor };
        for (_, statements) in hardened.report().await.hardening() {
            for statement in statements {
                hardened.run(&statement).await;
            }
        }
        assert_eq!(hardened.report().await.level(), Level::Signed);
        hardened
    }

    async fn run(&self, sql: &str) {
        let sql = sql.replace("APP", &format!("\"{}\"", self.fixture.config.app_role()));
        self.fixture.owner.execute_unprepared(&sql).await.unwrap();
    }

    async fn report(&self) -> Report {
        self.doctor.examine(&self.fixture.owner).await.unwrap()
    }
}

/// Each is undone before the next.
#[tokio::test]
async fn no_database_with_a_way_around_has_the_level_signed() {
    let hardened = Hardened::new().await;
    for (way, undo) in [
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
    ] {
        hardened.run(way).await;
        let report = hardened.report().await;
        assert_ne!(report.level(), Level::Signed, "{way}");
        hardened.run(undo).await;
        let report = hardened.report().await;
        assert_eq!(report.level(), Level::Signed, "{undo}: {}", report.text(false));
    }

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
