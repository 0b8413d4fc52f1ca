//! Policies written by hand, read back as Rust: the file beside this one is what `rls import`
//! printed of them.

use sea_orm::ConnectionTrait;
use sea_orm_rls::policy::PolicyDraft;
use sea_orm_rls::{RlsSchema, registry};

use super::imported;
use super::process::Process;
use crate::fixture::config;
use crate::schema::database;

mod memo {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::RlsPolicies;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, RlsPolicies)]
    #[sea_orm(table_name = "memo")]
    #[rls_policies(policies = crate::migration::imported::memo_policies)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod odd {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::RlsPolicies;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, RlsPolicies)]
    #[sea_orm(table_name = "Odd name")]
    #[rls_policies(policies = crate::migration::imported::odd_name_policies)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Every kind of policy that PostgreSQL takes.
const BY_HAND: &str = r##"
CREATE TABLE team (id integer PRIMARY KEY, login text);
CREATE TABLE memo (id serial PRIMARY KEY, team_id integer, owner text, body text, open boolean);
CREATE TABLE "Odd name" ("the ""key""" integer, id integer);
CREATE TABLE plain (id integer);
CREATE FUNCTION is_in(wanted integer) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM team WHERE id = wanted)';
ALTER TABLE memo ENABLE ROW LEVEL SECURITY;
ALTER TABLE memo FORCE ROW LEVEL SECURITY;
CREATE POLICY all_of_team ON memo USING (team_id IN (SELECT id FROM team t WHERE t.login = CURRENT_USER));
CREATE POLICY both_sides ON memo TO "APP" USING (is_in(team_id)) WITH CHECK (is_in(team_id) AND owner = CURRENT_USER);
CREATE POLICY read_open ON memo FOR SELECT TO "APP", pg_monitor USING (open OR body LIKE '%"#public"#%' OR body = E'a\\b''c');
CREATE POLICY write_own ON memo FOR INSERT TO "APP" WITH CHECK (owner = CURRENT_USER);
CREATE POLICY change_own ON memo FOR UPDATE TO "APP" USING (owner = CURRENT_USER);
CREATE POLICY change_checked ON memo FOR UPDATE TO "ADMIN" USING (true) WITH CHECK (open);
CREATE POLICY check_alone ON memo FOR UPDATE TO "ADMIN" WITH CHECK (open);
CREATE POLICY remove_own ON memo FOR DELETE TO "ADMIN" USING ((SELECT max(m.id) FROM memo m WHERE m.team_id = memo.team_id) > id);
CREATE POLICY nothing ON memo;
CREATE POLICY no_select ON memo FOR SELECT TO pg_monitor;
CREATE POLICY no_insert ON memo FOR INSERT TO pg_monitor;
CREATE POLICY within ON memo AS RESTRICTIVE TO "APP" USING (id > 0);
CREATE POLICY within_new ON memo AS RESTRICTIVE FOR ALL TO "APP" WITH CHECK (id < 1000);
CREATE POLICY within_nothing ON memo AS RESTRICTIVE FOR DELETE TO "ADMIN";
COMMENT ON POLICY within ON memo IS 'positive "numbers"
and no others';
CREATE POLICY "Odd ""policy""" ON "Odd name" USING ("the ""key""" = 1);
"##;

async fn by_hand() -> (testbed::Database, sea_orm::DatabaseConnection) {
    let (database, owner) = database().await;
    sea_orm_rls::schema::ensure_roles(&owner, &config_of(&database))
        .await
        .unwrap();

    let sql = BY_HAND
        .replace("APP", &database.role("app"))
        .replace("ADMIN", &database.role("admin"));
    owner.execute_unprepared(&sql).await.unwrap();

    (database, owner)
}

/// The roles that [`Process`] names in the environment.
fn config_of(database: &testbed::Database) -> sea_orm_rls::RlsConfig {
    config(database)
        .app_login(&database.role("app"), "app secret")
        .unwrap()
        .admin_login(&database.role("admin"), "admin secret")
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_prints_rust_that_says_the_same() {
    let (database, owner) = by_hand().await;
    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    let printed = process.prints(0, &["rls", "import"]);
    let expected = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/server/migration/imported.rs"
    );

    if std::env::var_os("UPDATE_IMPORTED").is_some() {
        std::fs::write(expected, &printed).unwrap();
    }

    assert_eq!(
        printed,
        std::fs::read_to_string(expected).unwrap(),
        "UPDATE_IMPORTED=1 writes it anew"
    );

    let registry = registry![memo::Entity as RlsPolicies, odd::Entity as RlsPolicies].unwrap();
    let rls = RlsSchema::new(registry, config_of(&database));
    let plan = rls.plan(&owner).await.unwrap();
    let names: Vec<String> = [imported::memo_policies(), imported::odd_name_policies()]
        .concat()
        .iter()
        .flat_map(|draft: &PolicyDraft| draft.build(rls.config()).unwrap())
        .map(|policy| format!("POLICY \"{}\"", policy.name.as_str().replace('"', "\"\"")))
        .collect();

    assert_eq!(names.len(), 15);
    for name in names {
        assert!(
            !plan.to_string().contains(&name),
            "{name} is changed: {plan}"
        );
    }

    assert!(plan.unmanaged().is_empty(), "all are adopted: {plan}");
    rls.sync(&owner).await.unwrap();
    assert!(rls.script(&owner).await.unwrap().is_empty());

    assert_eq!(
        process.prints(0, &["rls", "import"]),
        "",
        "managed policies are not imported"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_overwrites_no_file_and_reads_the_schemas_it_is_given() {
    let (database, owner) = by_hand().await;
    owner
        .execute_unprepared(
            "CREATE SCHEMA shop; CREATE TABLE shop.memo (id integer); CREATE POLICY p ON shop.memo \
             USING (id = 1)",
        )
        .await
        .unwrap();

    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    let shop = process.prints(0, &["rls", "import", "--schema", "shop"]);
    assert!(
        shop.contains("pub fn memo_policies()") && !shop.contains("all_of_team"),
        "{shop}"
    );

    let both = process.prints(
        0,
        &["rls", "import", "--schema", "shop", "--schema", "public"],
    );

    assert!(both.contains("pub fn shop_memo_policies()"), "{both}");

    let file =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.rs", database.name()));
    let file = file.to_str().unwrap();
    process.prints(0, &["rls", "import", "--output", file]);

    let written = std::fs::read_to_string(file).unwrap();
    assert!(written.contains("pub fn odd_name_policies()"), "{written}");

    let error = process.fails(1, &["rls", "import", "--output", file]);
    assert!(
        error.contains("is there already") && !error.contains("Os {"),
        "{error}"
    );
    std::fs::remove_file(file).unwrap();
}
