//! The domains that carry contexts: made, compared, mended, refused, and checked by the gate.

use sea_orm::ConnectionTrait;
use sea_orm::sqlx::encode::IsNull;
use sea_orm::sqlx::error::BoxDynError;
use sea_orm::sqlx::postgres::types::Oid;
use sea_orm::sqlx::postgres::{PgArgumentBuffer, PgPoolOptions, PgTypeInfo};
use sea_orm::sqlx::{self, Encode, Postgres, Type};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use sea_orm_rls::error::{GateFinding, SchemaError};
use sea_orm_rls::schema::{Plan, apply_statements};
use sea_orm_rls::{RlsConnection, RlsError, RlsSchema};

use super::{database, text, texts};
use crate::fixture::{Fixture, Public, config, entities, note, plain_login, task, user};

/// The domains and the function, with all that the plan compares.
const ALL: &str = "
    SELECT concat_ws('|', t.oid, t.typname, t.typnotnull, t.typdefault, o.rolname,
                     (SELECT string_agg(conname || ' ' || pg_get_constraintdef(c.oid), ', ' ORDER BY conname)
                      FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c'))
    FROM pg_type t JOIN pg_roles o ON o.oid = t.typowner WHERE t.typname LIKE 'rls\\_context%'
    UNION ALL
    SELECT concat_ws('|', f.oid, o.rolname, pg_get_functiondef(f.oid), f.proacl)
    FROM pg_proc f JOIN pg_roles o ON o.oid = f.proowner WHERE f.proname LIKE 'rls\\_context%'
    ORDER BY 1";

fn rls(fixture: &Fixture) -> RlsSchema {
    RlsSchema::new(entities(), fixture.config.clone())
}

/// The words of a plan.
fn words(plan: &Plan) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(&plan.json()).unwrap();
    let changes = json["changes"].as_array().unwrap().iter();
    changes
        .map(|change| change["change"].as_str().unwrap().to_owned())
        .collect()
}

/// The words of the changes of domains and of the function.
fn of_domains(plan: &Plan) -> Vec<String> {
    words(plan)
        .into_iter()
        .filter(|word| word.ends_with("domain") || word.ends_with("function"))
        .collect()
}

fn named(fixture: &Fixture, sql: &str) -> String {
    sql.replace("APP", &format!("\"{}\"", fixture.config.app_role()))
        .replace("ADM", &format!("\"{}\"", fixture.config.admin_role()))
}

async fn findings(fixture: &Fixture) -> Vec<GateFinding> {
    match RlsConnection::connect_with(fixture.database.url(), fixture.config.clone(), entities())
        .await
    {
        Ok(_) => Vec::new(),
        Err(RlsError::Gate(error)) => error.findings,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn there_is_one_for_each_setting_and_nothing_to_do_afterwards() {
    let fixture = Fixture::new(1).await;
    let names = texts(
        &fixture.owner,
        "SELECT concat_ws(' ', t.typname, format_type(t.typbasetype, t.typtypmod)) FROM pg_type t
         WHERE t.typtype = 'd' AND t.typnamespace = 'public'::regnamespace ORDER BY t.typname",
    )
    .await;

    assert_eq!(
        names,
        [
            "rls_context_any text[]",
            "rls_context_app.user_id text",
            "rls_context_read_only text",
            "rls_context_record text",
            "rls_context_rls.actor text",
            "rls_context_rls.on_behalf_of text",
            "rls_context_rls.reason text",
        ]
    );

    let before = texts(&fixture.owner, ALL).await;
    let plan = rls(&fixture).plan(&fixture.owner).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
    assert!(rls(&fixture).sync(&fixture.owner).await.unwrap().is_empty());
    assert_eq!(texts(&fixture.owner, ALL).await, before);
    assert_eq!(findings(&fixture).await, []);
}

#[tokio::test]
async fn altered_domain_is_refused_and_mended_in_place() {
    const DOMAIN: &str = "ALTER DOMAIN \"rls_context_app.user_id\"";

    let fixture = Fixture::new(1).await;
    let oids = "SELECT oid::text FROM pg_type WHERE typname LIKE 'rls\\_context%' ORDER BY typname";
    let before = texts(&fixture.owner, oids).await;

    for altered in [
        "DOMAIN DROP CONSTRAINT sets_context",
        "DOMAIN ADD CHECK (VALUE <> '')",
        "DOMAIN DROP CONSTRAINT sets_context; DOMAIN ADD CHECK \
         (set_config('app.user_id', VALUE, false) IS NOT NULL)",
        "DOMAIN SET NOT NULL",
        "DOMAIN SET DEFAULT 'x'",
        "ALTER DOMAIN rls_context_record DROP CONSTRAINT adds_record; ALTER DOMAIN \
         rls_context_record ADD CHECK (true)",
        "ALTER DOMAIN rls_context_any DROP CONSTRAINT sets_context; ALTER DOMAIN rls_context_any \
         ADD CHECK (set_config(VALUE[1], VALUE[3], true) IS NOT NULL)",
    ] {
        let altered = altered.replace("DOMAIN ADD", &format!("{DOMAIN} ADD"));
        let altered = altered
            .replace("DOMAIN DROP", &format!("{DOMAIN} DROP"))
            .replace("DOMAIN SET", &format!("{DOMAIN} SET"));
        fixture.owner.execute_unprepared(&altered).await.unwrap();

        let found = findings(&fixture).await;
        let [finding @ GateFinding::DomainAltered { .. }] = found.as_slice() else {
            panic!("{altered}: {found:?}")
        };
        assert!(
            finding
                .to_string()
                .contains("differ from what this version"),
            "{finding}"
        );

        let plan = rls(&fixture).plan(&fixture.owner).await.unwrap();
        assert_eq!(words(&plan), ["alter_domain"], "{altered}: {plan}");

        rls(&fixture).sync(&fixture.owner).await.unwrap();
        assert!(
            rls(&fixture).plan(&fixture.owner).await.unwrap().is_empty(),
            "{altered}"
        );
        assert_eq!(texts(&fixture.owner, oids).await, before, "{altered}");
        assert_eq!(findings(&fixture).await, [], "{altered}");
    }
}

#[tokio::test]
async fn altered_function_is_mended_and_executed_by_the_administrator_alone() {
    const FUNCTION: &str = "CREATE OR REPLACE FUNCTION rls_context_record(text) RETURNS boolean";
    const BODY: &str = "'INSERT INTO \"public\".\"rls_audit\" DEFAULT VALUES RETURNING true'";

    let fixture = Fixture::new(1).await;
    let before = texts(&fixture.owner, ALL).await;

    for (altered, expected, refused) in [
        ("FUNCTION LANGUAGE sql AS 'SELECT true'", 1, true),
        ("FUNCTION LANGUAGE sql SECURITY DEFINER AS BODY", 1, true),
        ("FUNCTION LANGUAGE sql STRICT AS BODY", 1, true),
        ("FUNCTION LANGUAGE sql STABLE AS BODY", 1, true),
        (
            "FUNCTION LANGUAGE sql SET search_path = public AS BODY",
            1,
            true,
        ),
        (
            "FUNCTION LANGUAGE plpgsql AS 'BEGIN RETURN true; END'",
            1,
            true,
        ),
        (
            "GRANT EXECUTE ON FUNCTION rls_context_record TO PUBLIC, APP",
            2,
            false,
        ),
        (
            "REVOKE EXECUTE ON FUNCTION rls_context_record FROM ADM",
            1,
            true,
        ),
    ] {
        let altered = altered
            .replace("FUNCTION LANGUAGE", &format!("{FUNCTION} LANGUAGE"))
            .replace("BODY", BODY);
        let altered = named(&fixture, &altered);
        fixture.owner.execute_unprepared(&altered).await.unwrap();

        let found = findings(&fixture).await;
        let is_refused = matches!(
            found.as_slice(),
            [GateFinding::DomainAltered { altered }] if altered == "public.rls_context_record"
        );
        assert_eq!(is_refused, refused, "{altered}: {found:?}");

        let plan = rls(&fixture).sync(&fixture.owner).await.unwrap();
        assert_eq!(plan.changes().len(), expected, "{altered}: {plan}");
        assert_eq!(texts(&fixture.owner, ALL).await, before, "{altered}");
        assert_eq!(findings(&fixture).await, [], "{altered}");
    }
}

#[tokio::test]
async fn missing_domains_are_refused_until_the_migrations_have_run() {
    let fixture = Fixture::new(1).await;
    fixture
        .owner
        .execute_unprepared(
            "DROP DOMAIN rls_context_any, rls_context_record; DROP FUNCTION rls_context_record",
        )
        .await
        .unwrap();

    let found = findings(&fixture).await;
    let [finding] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        finding.to_string(),
        "the domains that carry contexts are missing (rls_context_any, rls_context_record): run \
         the migrations"
    );

    let plan = rls(&fixture).sync(&fixture.owner).await.unwrap();
    assert_eq!(
        words(&plan),
        [
            "create_function",
            "grant_function",
            "create_domain",
            "create_domain"
        ]
    );
    assert_eq!(findings(&fixture).await, []);
}

#[tokio::test]
async fn owner_among_the_two_roles_is_refused_and_replaced() {
    let fixture = Fixture::new(1).await;
    let group = fixture.database.role("group");
    let create = named(
        &fixture,
        &format!(
            "CREATE ROLE \"{group}\"; GRANT \"{group}\" TO APP; GRANT CREATE ON SCHEMA public TO APP, \"{group}\""
        ),
    );
    fixture.owner.execute_unprepared(&create).await.unwrap();

    for (altered, words_of, finding) in [
        (
            "ALTER DOMAIN \"rls_context_app.user_id\" OWNER TO APP",
            "own_domain",
            Some("owns domain `public.rls_context_app.user_id`"),
        ),
        (
            "ALTER DOMAIN \"rls_context_app.user_id\" OWNER TO GROUP",
            "own_domain",
            Some("or is a member of its owner"),
        ),
        (
            "ALTER DOMAIN rls_context_any OWNER TO ADM",
            "own_domain",
            None,
        ),
        (
            "ALTER FUNCTION rls_context_record OWNER TO APP",
            "own_function",
            Some("owns function `public.rls_context_record`"),
        ),
    ] {
        let altered = named(&fixture, altered).replace("GROUP", &format!("\"{group}\""));
        fixture.owner.execute_unprepared(&altered).await.unwrap();

        let found = findings(&fixture).await;
        let said: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), usize::from(finding.is_some()), "{said:?}");
        assert!(
            said.iter().all(|said| said.contains(finding.unwrap())),
            "{said:?}"
        );

        let plan = rls(&fixture).sync(&fixture.owner).await.unwrap();
        assert!(words(&plan).contains(&words_of.to_owned()), "{plan}");
        assert!(rls(&fixture).plan(&fixture.owner).await.unwrap().is_empty());
        assert_eq!(findings(&fixture).await, [], "{altered}");
    }
}

#[tokio::test]
async fn other_things_of_the_names_are_refused_by_name() {
    let fixture = Fixture::new(1).await;
    for (taken, freed) in [
        (
            "CREATE TYPE rls_context_any AS ENUM ('a')",
            "DROP TYPE rls_context_any",
        ),
        (
            "CREATE TABLE rls_context_any ()",
            "DROP TABLE rls_context_any",
        ),
        (
            "CREATE DOMAIN rls_context_any AS text",
            "DROP DOMAIN rls_context_any",
        ),
        (
            "CREATE DOMAIN rls_context_any AS varchar(3)[]",
            "DROP DOMAIN rls_context_any",
        ),
    ] {
        let taken = format!("DROP DOMAIN IF EXISTS rls_context_any; {taken}");
        fixture.owner.execute_unprepared(&taken).await.unwrap();

        let error = rls(&fixture).sync(&fixture.owner).await.unwrap_err();
        assert!(
            matches!(error, RlsError::Schema(SchemaError::DomainTaken { .. })),
            "{taken}: {error}"
        );
        assert!(
            error.to_string().contains(
                "`public.rls_context_any` is there already, and is no \
                                        domain over `text[]`"
            ),
            "{error}"
        );
        assert!(matches!(
            findings(&fixture).await.as_slice(),
            [GateFinding::DomainAltered { .. }]
        ));

        fixture.owner.execute_unprepared(freed).await.unwrap();
        rls(&fixture).sync(&fixture.owner).await.unwrap();
    }

    for taken in [
        "CREATE FUNCTION rls_context_record(a text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE FUNCTION rls_context_record(text) RETURNS text LANGUAGE sql AS 'SELECT ''''::text'",
        "CREATE PROCEDURE rls_context_record(text) LANGUAGE sql AS 'SELECT 1'",
    ] {
        let taken = format!(
            "DROP DOMAIN IF EXISTS rls_context_record; DROP ROUTINE rls_context_record(text); {taken}"
        );
        fixture.owner.execute_unprepared(&taken).await.unwrap();

        let error = rls(&fixture).sync(&fixture.owner).await.unwrap_err();
        assert!(
            matches!(error, RlsError::Schema(SchemaError::FunctionTaken { .. })),
            "{taken}: {error}"
        );
    }
}

#[tokio::test]
async fn script_makes_and_undoes_them() {
    let fixture = Fixture::new(1).await;
    let owner = &fixture.owner;
    let without_oid = "SELECT regexp_replace(a, '^\\d+\\|', '') FROM (ALL) AS a (a) ORDER BY 1"
        .replace("ALL", ALL);

    for drift in [
        "DROP DOMAIN \"rls_context_app.user_id\", rls_context_record; DROP FUNCTION \
         rls_context_record",
        "ALTER DOMAIN rls_context_any DROP CONSTRAINT sets_context; ALTER DOMAIN rls_context_any \
         ADD CONSTRAINT \"a b\" CHECK (cardinality(VALUE) = 2); ALTER DOMAIN rls_context_any SET \
         DEFAULT '{}'; ALTER DOMAIN rls_context_any SET NOT NULL",
        "CREATE OR REPLACE FUNCTION rls_context_record(text) RETURNS boolean LANGUAGE plpgsql \
         AS $a$ BEGIN RETURN 'it''s \\' <> ''; END $a$",
        "GRANT EXECUTE ON FUNCTION rls_context_record TO PUBLIC",
    ] {
        owner.execute_unprepared(drift).await.unwrap();
        let before = texts(owner, &without_oid).await;
        let script = rls(&fixture).script(owner).await.unwrap();
        let (up, down): (Vec<&str>, Vec<&str>) = (
            script.up.iter().map(String::as_str).collect(),
            script.down.iter().map(String::as_str).collect(),
        );

        apply_statements(owner, &up).await.unwrap();
        assert!(
            rls(&fixture).plan(owner).await.unwrap().is_empty(),
            "{up:#?}"
        );

        apply_statements(owner, &down).await.unwrap();
        assert_eq!(texts(owner, &without_oid).await, before, "{down:#?}");

        apply_statements(owner, &up).await.unwrap();
        assert!(
            rls(&fixture).plan(owner).await.unwrap().is_empty(),
            "{drift}"
        );
    }
}

struct NoMigrations;

impl MigratorTrait for NoMigrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

#[tokio::test]
async fn what_fresh_leaves_is_completed() {
    let fixture = Fixture::new(1).await;
    NoMigrations::fresh(&fixture.owner).await.unwrap();
    assert_eq!(
        text(
            &fixture.owner,
            "SELECT proname::text FROM pg_proc WHERE proname LIKE 'rls\\_%'"
        )
        .await,
        "rls_context_record",
        "SeaORM drops types, and no functions"
    );

    sea_orm::Schema::new(sea_orm::DbBackend::Postgres)
        .builder()
        .register(user::Entity)
        .register(task::Entity)
        .register(note::Entity)
        .sync(&fixture.owner)
        .await
        .unwrap();
    let plan = rls(&fixture).sync(&fixture.owner).await.unwrap();
    assert_eq!(of_domains(&plan), ["create_domain"; 7]);
    assert!(rls(&fixture).plan(&fixture.owner).await.unwrap().is_empty());
    assert_eq!(findings(&fixture).await, []);
}

#[tokio::test]
async fn plain_owner_makes_and_mends_its_own() {
    let (database, owner) = database().await;
    let config = config(&database);
    let login = plain_login(&database, Public::Granted).await;
    sea_orm::Schema::new(sea_orm::DbBackend::Postgres)
        .builder()
        .register(user::Entity)
        .register(task::Entity)
        .register(note::Entity)
        .sync(&login)
        .await
        .unwrap();

    let rls = RlsSchema::new(entities(), config.clone());
    rls.sync(&login).await.unwrap();
    assert_eq!(of_domains(&rls.plan(&login).await.unwrap()), [""; 0]);
    RlsConnection::connect_with(database.url(), config.clone(), entities())
        .await
        .unwrap();

    login
        .execute_unprepared(
            "ALTER DOMAIN rls_context_any SET NOT NULL; GRANT EXECUTE ON FUNCTION \
             rls_context_record TO PUBLIC",
        )
        .await
        .unwrap();
    let mended = rls.sync(&login).await.unwrap();
    assert_eq!(of_domains(&mended), ["revoke_function", "alter_domain"]);
    assert_eq!(of_domains(&rls.plan(&login).await.unwrap()), [""; 0]);

    // What the application's role owns, this login cannot take back: the error has the statement
    // for one that can.
    let app = config.app_role();
    owner
        .execute_unprepared(&format!("ALTER DOMAIN rls_context_any OWNER TO \"{app}\""))
        .await
        .unwrap();
    let error = rls.sync(&login).await.unwrap_err();
    assert!(
        matches!(error, RlsError::Schema(SchemaError::Privilege { .. })),
        "{error:?}"
    );
    let said = error.to_string();
    assert!(
        said.contains("change `public.rls_context_any`, which another role owns")
            && said.ends_with("ALTER DOMAIN \"public\".\"rls_context_any\" OWNER TO CURRENT_USER"),
        "{said}"
    );

    rls.sync(&owner).await.unwrap();
    assert_eq!(of_domains(&rls.plan(&login).await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn they_are_in_the_schema_of_the_audit_table_with_or_without_it() {
    let fixture = Fixture::new(1).await;
    let in_schemas = "SELECT string_agg(DISTINCT n.nspname, ',' ORDER BY n.nspname) FROM pg_type t
                      JOIN pg_namespace n ON n.oid = t.typnamespace
                      WHERE t.typname LIKE 'rls\\_context%'";
    fixture
        .owner
        .execute_unprepared("CREATE SCHEMA \"or\\der's\"")
        .await
        .unwrap();

    let elsewhere = fixture
        .config
        .clone()
        .audit_table("or\\der's.acts")
        .unwrap();
    for config in [elsewhere.clone(), elsewhere.danger_no_audit()] {
        let rls = RlsSchema::new(entities(), config.clone());
        rls.sync(&fixture.owner).await.unwrap();
        let plan = rls.plan(&fixture.owner).await.unwrap();
        assert!(plan.is_empty(), "{plan}");
        assert_eq!(text(&fixture.owner, in_schemas).await, "or\\der's,public");

        RlsConnection::connect_with(fixture.database.url(), config, entities())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn leftovers_in_another_schema_of_the_path_are_passed_over() {
    let fixture = Fixture::new(1).await;
    let earlier = named(
        &fixture,
        "CREATE SCHEMA earlier; GRANT USAGE ON SCHEMA earlier TO APP;
         CREATE DOMAIN earlier.rls_context_any AS text;
         CREATE DOMAIN earlier.rls_context_record AS text CHECK (true);
         ALTER ROLE APP SET search_path = earlier, public",
    );
    fixture.owner.execute_unprepared(&earlier).await.unwrap();
    assert_eq!(findings(&fixture).await, []);
}

/// A value whose type is named by its OID alone.
struct Carried(u32, &'static str);

impl Type<Postgres> for Carried {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("text")
    }
}

impl Encode<'_, Postgres> for Carried {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.1.as_bytes());
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(self.0)))
    }
}

#[tokio::test]
async fn type_of_a_parameter_needs_no_privilege() {
    let fixture = Fixture::new(1).await;
    let revoke = named(
        &fixture,
        "REVOKE USAGE ON TYPE \"rls_context_app.user_id\", rls_context_record FROM PUBLIC;
         REVOKE USAGE ON SCHEMA public FROM PUBLIC, APP",
    );
    fixture.owner.execute_unprepared(&revoke).await.unwrap();

    let oid = |name: &str| format!("SELECT oid::text FROM pg_type WHERE typname = '{name}'");
    let user: u32 = text(&fixture.owner, &oid("rls_context_app.user_id"))
        .await
        .parse()
        .unwrap();
    let record: u32 = text(&fixture.owner, &oid("rls_context_record"))
        .await
        .parse()
        .unwrap();

    let app = fixture.config.app_role().as_str();
    let app = PgPoolOptions::new()
        .max_connections(1)
        .connect(&fixture.database.url_as(app, "app password'\\"))
        .await
        .unwrap();
    let read = "SELECT current_setting('app.user_id', true)";
    let carried: String = sqlx::query_scalar(read)
        .bind(Carried(user, "somebody"))
        .fetch_one(&app)
        .await
        .unwrap();
    let after: String = sqlx::query_scalar("SELECT current_setting('app.user_id')")
        .fetch_one(&app)
        .await
        .unwrap();
    assert_eq!((carried.as_str(), after.as_str()), ("somebody", ""));

    let refused = sqlx::query("SELECT 1")
        .bind(Carried(record, ""))
        .execute(&app)
        .await;
    let refused = refused.unwrap_err().into_database_error().unwrap();
    assert_eq!(refused.code().as_deref(), Some("42501"), "{refused}");
}
