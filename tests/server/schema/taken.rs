//! Names that something else has already: another name is found, or the plan says so (FAULTS M5).

use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_migration::SchemaManager;
use sea_orm_rls::doctor::{Doctor, Remedy};
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::migration::RlsSchemaManagerExt;
use sea_orm_rls::model::Expression;
use sea_orm_rls::policy::Policy;
use sea_orm_rls::schema::apply_statements;
use sea_orm_rls::{Registry, RlsConfig, RlsError, RlsSchema, registry};

use super::{database, text, texts};
use crate::fixture::{config, user};

mod doc {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "doc")]
    #[user_scoped(user = super::user::Entity, read = "shared")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub owner_id: Uuid,
        pub shared: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Two tables, the usual names of whose indexes are one.
macro_rules! one_name {
    ($module:ident, $table:literal, $column:literal) => {
        #[allow(dead_code, reason = "SeaORM generates more than each test uses")]
        mod $module {
            use sea_orm::entity::prelude::*;
            use sea_orm_rls::UserScoped;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
            #[sea_orm(table_name = $table)]
            #[user_scoped(user = super::user::Entity, owner = "by")]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: Uuid,
                #[sea_orm(column_name = $column)]
                pub by: Uuid,
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

one_name!(first, "a_b", "c");
one_name!(second, "a", "b_c");

/// The server has a column of this name in every table.
mod system {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "doc")]
    #[user_scoped(user = super::user::Entity, owner = "xmin")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const TABLES: &str = r#"CREATE TABLE "user" (id uuid PRIMARY KEY, email text);
    CREATE TABLE doc (id uuid PRIMARY KEY, owner_id uuid, shared boolean NOT NULL);
    CREATE TABLE a_b (id uuid PRIMARY KEY, c uuid); CREATE TABLE a (id uuid PRIMARY KEY, b_c uuid)"#;

/// What has a name that is needed, and the definition that must not change.
const TAKEN: [(&str, &str); 8] = [
    (
        "CREATE INDEX doc_owner_id_idx ON doc (owner_id) WHERE id IS NULL",
        "SELECT pg_get_indexdef('doc_owner_id_idx'::regclass)",
    ),
    (
        "CREATE INDEX doc_owner_id_idx ON doc USING hash (owner_id)",
        "SELECT pg_get_indexdef('doc_owner_id_idx'::regclass)",
    ),
    // The table was renamed, and its index kept the name.
    (
        "CREATE TABLE old (owner_id uuid); CREATE INDEX doc_owner_id_idx ON old (owner_id);
         CREATE TABLE doc_owner_id_idx1 ()",
        "SELECT pg_get_indexdef('doc_owner_id_idx'::regclass)",
    ),
    (
        "CREATE VIEW doc_shared_only_idx AS SELECT 1",
        "SELECT relkind::text FROM pg_class WHERE relname = 'doc_shared_only_idx'",
    ),
    (
        "CREATE SEQUENCE doc_owner_id_idx",
        "SELECT relkind::text FROM pg_class WHERE relname = 'doc_owner_id_idx'",
    ),
    (
        "ALTER TABLE doc ADD CONSTRAINT doc_owner_id_fkey CHECK (id IS NOT NULL)",
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'doc_owner_id_fkey'",
    ),
    (
        "ALTER TABLE doc ADD CONSTRAINT doc_owner_id_fkey UNIQUE (owner_id, id);
         ALTER TABLE doc ADD CONSTRAINT doc_owner_id_fkey1 CHECK (id IS NOT NULL)",
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'doc_owner_id_fkey'",
    ),
    (
        "CREATE POLICY doc_owner_select ON doc FOR SELECT USING (shared)",
        "SELECT 1::text",
    ),
];

fn entities() -> Registry {
    registry![user::Entity, doc::Entity, first::Entity, second::Entity].unwrap()
}

struct World {
    _database: testbed::Database,
    owner: DatabaseConnection,
    config: RlsConfig,
    rls: RlsSchema,
}

impl World {
    async fn new(taken: &str) -> Self {
        let (database, owner) = database().await;
        owner.execute_unprepared(TABLES).await.unwrap();
        owner.execute_unprepared(taken).await.unwrap();
        let config = config(&database);
        let rls = RlsSchema::new(entities(), config.clone());

        Self {
            _database: database,
            owner,
            config,
            rls,
        }
    }

    async fn assert_right(&self, taken: &str) {
        assert!(
            self.rls.plan(&self.owner).await.unwrap().is_empty(),
            "{taken}"
        );

        let doctor = Doctor::new(entities(), self.config.clone());
        let report = doctor.examine(&self.owner).await.unwrap();
        let structural = |rule: &&str| ["RLS107", "RLS203", "RLS204"].contains(rule);
        let found = report.findings().iter().map(|finding| finding.rule.id);
        assert_eq!(found.filter(structural).count(), 0, "{taken}");
    }
}

#[tokio::test]
async fn what_has_a_name_stays_and_another_name_is_found() {
    for (taken, definition) in TAKEN {
        let world = World::new(taken).await;
        let was = text(&world.owner, definition).await;

        world.rls.sync(&world.owner).await.unwrap();
        world.assert_right(taken).await;
        assert_eq!(text(&world.owner, definition).await, was, "{taken}");
    }
}

#[tokio::test]
async fn script_goes_there_and_back_beside_a_taken_name() {
    for (taken, definition) in TAKEN {
        let world = World::new(taken).await;
        let was = text(&world.owner, definition).await;
        let indexes = "SELECT pg_get_indexdef(indexrelid) FROM pg_index ORDER BY 1";
        let before = texts(&world.owner, indexes).await;
        sea_orm_rls::schema::ensure_roles(&world.owner, &world.config)
            .await
            .unwrap();

        let script = world.rls.script(&world.owner).await.unwrap();
        let up: Vec<&str> = script.up.iter().map(String::as_str).collect();
        let down: Vec<&str> = script.down.iter().map(String::as_str).collect();
        apply_statements(&world.owner, &up).await.unwrap();
        world.assert_right(taken).await;

        apply_statements(&world.owner, &down).await.unwrap();
        assert_eq!(text(&world.owner, definition).await, was, "{taken}");
        assert_eq!(texts(&world.owner, indexes).await, before, "{taken}");
    }
}

#[tokio::test]
async fn big_tables_are_prepared_beside_a_taken_name() {
    for (taken, definition) in TAKEN {
        let world = World::new(taken).await;
        let was = text(&world.owner, definition).await;

        world.rls.prepare_online(&world.owner).await.unwrap();
        world.rls.sync(&world.owner).await.unwrap();
        world.assert_right(taken).await;
        assert_eq!(text(&world.owner, definition).await, was, "{taken}");
    }
}

#[tokio::test]
async fn remedies_of_the_doctor_run_beside_a_taken_name() {
    for (taken, _) in TAKEN {
        let world = World::new(taken).await;
        let doctor = Doctor::new(entities(), world.config.clone());
        let structural = ["RLS203", "RLS204"];
        let report = doctor.examine(&world.owner).await.unwrap();
        let mut ran = 0;

        for finding in report.findings() {
            let (true, Remedy::Sql { statements, .. }) =
                (structural.contains(&finding.rule.id), &finding.remedy)
            else {
                continue;
            };
            for statement in statements {
                world.owner.execute_unprepared(statement).await.unwrap();
            }
            ran += 1;
        }

        assert!(ran > 4, "{taken}");
        let report = doctor.examine(&world.owner).await.unwrap();
        let found = report.findings().iter().map(|finding| finding.rule.id);
        assert_eq!(found.filter(|id| structural.contains(id)).count(), 0);
    }
}

#[tokio::test]
async fn invalid_index_that_was_left_gives_way() {
    const LEFT: &str = "CREATE INDEX doc_owner_id_idx ON doc (owner_id);
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'doc_owner_id_idx'::regclass";

    for online in [false, true] {
        let world = World::new(LEFT).await;
        if online {
            world.rls.prepare_online(&world.owner).await.unwrap();
        }

        world.rls.sync(&world.owner).await.unwrap();
        world.assert_right(LEFT).await;
        let named = "SELECT count(*)::text FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
                     WHERE indisvalid AND relname ~ '^doc_owner_id_idx'";
        assert_eq!(text(&world.owner, named).await, "1");
    }
}

#[tokio::test]
async fn name_that_only_one_thing_can_have_is_an_error_of_the_plan() {
    for taken in [
        "CREATE TYPE rls_audit AS ENUM ('x')",
        "CREATE DOMAIN rls_audit AS text",
        "CREATE TYPE rls_audit AS (x text)",
        "CREATE SEQUENCE rls_audit",
        "CREATE TYPE rls_context_any AS ENUM ('x')",
        "CREATE TABLE rls_context_any ()",
        "CREATE PROCEDURE rls_context_record(text) LANGUAGE sql AS ''",
        "CREATE AGGREGATE rls_context_record(text) (SFUNC = textcat, STYPE = text)",
    ] {
        let world = World::new(taken).await;
        for error in [
            world.rls.plan(&world.owner).await.map(drop),
            world.rls.sync(&world.owner).await.map(drop),
            world.rls.prepare_online(&world.owner).await.map(drop),
        ] {
            let error = error.unwrap_err();
            assert!(
                matches!(
                    &error,
                    RlsError::Schema(
                        SchemaError::NotTheAudit { .. }
                            | SchemaError::DomainTaken { .. }
                            | SchemaError::FunctionTaken { .. }
                    )
                ),
                "{taken}: {error}"
            );
        }

        assert_eq!(
            text(&world.owner, "SELECT count(*)::text FROM pg_policy").await,
            "0"
        );
    }
}

#[tokio::test]
async fn column_of_the_server_s_own_is_an_error_of_the_plan() {
    let world = World::new("").await;
    let registry = registry![user::Entity, system::Entity].unwrap();
    let error = RlsSchema::new(registry, world.config)
        .plan(&world.owner)
        .await
        .unwrap_err();

    assert!(
        matches!(&error, RlsError::Schema(SchemaError::NameTaken { name, .. }) if name == "xmin"),
        "{error}"
    );
}

#[tokio::test]
async fn constraint_of_a_step_is_looked_for_before_any_step() {
    const OTHER: &str =
        "ALTER TABLE doc ADD CONSTRAINT doc_owner_id_rls_not_null CHECK (id IS NOT NULL)";
    let world = World::new(OTHER).await;
    let before = world.rls.plan(&world.owner).await.unwrap();

    let error = world.rls.prepare_online(&world.owner).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::NameTaken { name, .. })
            if name == "doc_owner_id_rls_not_null"),
        "{error}"
    );
    let after = world.rls.plan(&world.owner).await.unwrap();
    assert_eq!(after.to_string().len(), before.to_string().len());
}

#[tokio::test]
async fn policy_of_a_migration_under_a_taken_name_is_a_typed_error() {
    let world = World::new("CREATE POLICY mine ON doc USING (true)").await;
    sea_orm_rls::schema::ensure_roles(&world.owner, &world.config)
        .await
        .unwrap();
    let manager = SchemaManager::new(&world.owner);
    let manager = manager.with_rls_config(world.config.clone());
    let policy = Policy::permissive("mine").using(Expression::raw_sql("true"));
    let error = manager.create_policy("doc", policy).await.unwrap_err();

    assert!(
        error
            .to_string()
            .contains("table `public.doc`: `mine` is there already"),
        "{error}"
    );
}
