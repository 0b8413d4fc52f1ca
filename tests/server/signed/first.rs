//! No condition of a statement is evaluated on a row before the policy: each plan shows it.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use sea_orm_rls::doctor::{Doctor, Level, Remedy, Report};
use sea_orm_rls::signing::SignedContexts;
use sea_orm_rls::{Registry, RlsConfig, RlsSchema, registry};

use crate::proof::shop::{NOTEBOOKS, TABLES, entities, notebooks};
use crate::schema::{database, text};

/// Conditions of a statement that the server may evaluate before a policy's, and how it prints them: one
/// that names no column and is as cheap as any function, one that is cheaper, and one that the planner
/// thinks to cost nothing. None of them tells anything.
const STRANGE: [(&str, &str); 3] = [
    ("random() IS NOT NULL", "random()"),
    ("tableoid >= ANY (ARRAY[0::oid])", "tableoid >= ANY"),
    // PostgreSQL 19 knows that an array itself is not null, and leaves that condition out.
    ("(ARRAY[tableoid])[1] IS NOT NULL", "ARRAY[tableoid"),
];

/// A key of another type than an owner can have, and a time without zone.
#[allow(dead_code, reason = "SeaORM generates more than each test uses")]
mod shelf {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "shelf")]
    #[user_scoped(no_foreign_key, read = is_public, soft_delete = deleted_at)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i16,
        pub owner_id: Uuid,
        pub is_public: bool,
        pub deleted_at: Option<DateTime>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[allow(dead_code, reason = "SeaORM generates more than each test uses")]
mod book {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "book")]
    #[user_scoped(via = shelf)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub shelf_id: i16,
        #[sea_orm(belongs_to, from = "shelf_id", to = "id")]
        pub shelf: HasOne<super::shelf::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[allow(dead_code, reason = "SeaORM generates more than each test uses")]
mod desk {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "desk")]
    #[user_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub owner_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[allow(dead_code, reason = "SeaORM generates more than each test uses")]
mod drawer {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "drawer")]
    #[user_scoped(via = desk)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Decimal,
        pub desk_id: String,
        #[sea_orm(belongs_to, from = "desk_id", to = "id")]
        pub desk: HasOne<super::desk::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[allow(dead_code, reason = "SeaORM generates more than each test uses")]
mod letter {
    use sea_orm::entity::prelude::*;
    use sea_orm::sea_query::{Expr, ExprTrait};
    use sea_orm_rls::UserScoped;
    use sea_orm_rls::policy::{Expression, Policy, PolicyDraft, setting};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "letter")]
    #[user_scoped(no_foreign_key, policies = kept)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: Uuid,
        #[sea_orm(column_name = "box")]
        pub kept_in: i32,
        pub state: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    fn kept() -> [PolicyDraft; 2] {
        [
            Policy::restrictive("letter_box").using(Expr::col("box").eq(setting::<i32>("app.box"))),
            Policy::restrictive("letter_state")
                .using(Expression::raw_sql("state::text <> 'burnt'")),
        ]
    }
}

/// Requires signed contexts, and runs what RLS025 says, which it returns.
async fn require(owner: &DatabaseConnection, config: &RlsConfig, entities: Registry) -> String {
    let sent = config.clone().signed_contexts(SignedContexts::Sent);
    let sent = RlsSchema::new(entities.clone(), sent);
    sent.sync(owner).await.unwrap();
    sent.rotate_keys(owner, Duration::ZERO).await.unwrap();

    let required = config.clone().signed_contexts(SignedContexts::Required);
    let schema = RlsSchema::new(entities.clone(), required.clone());
    schema.sync(owner).await.unwrap();

    let doctor = Doctor::new(entities, required);
    let report = doctor.examine(owner).await.unwrap();
    let costs = report.findings().iter().find(|it| it.rule.id == "RLS025");
    let Some(Remedy::Sql { statements, .. }) = costs.map(|it| &it.remedy) else {
        panic!("{}", report.text(false));
    };
    let statements = statements.join("; ");
    owner.execute_unprepared(&statements).await.unwrap();

    let report = doctor.examine(owner).await.unwrap();
    assert!(!report.findings().iter().any(|it| it.rule.id == "RLS025"));
    statements
}

/// More parents than fit in the least memory for hash tables.
async fn fill(owner: &DatabaseConnection, many: &str) {
    let filling = format!(
        "SET session_replication_role = replica; {many}; RESET session_replication_role; ANALYZE"
    );
    owner.execute_unprepared(&filling).await.unwrap();
}

/// Each table, after a column to be changed or `DELETE` if it is not read, and the part of its policy that
/// stands before the conditions of a statement.
async fn assert_first(owner: &DatabaseConnection, config: &RlsConfig, shapes: &[(&str, &str)]) {
    let transaction = owner.begin().await.unwrap();
    let app = config.app_role();
    transaction
        .execute_unprepared(&format!(
            "SET LOCAL ROLE \"{app}\"; SET LOCAL enable_indexscan = off;
             SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexonlyscan = off;
             SET LOCAL work_mem = '64kB'; SET LOCAL hash_mem_multiplier = 1"
        ))
        .await
        .unwrap();

    for (table, first) in shapes {
        let (command, table) = table.split_once(' ').unwrap_or(("SELECT", table));
        for (strange, printed) in STRANGE {
            let statement = match command {
                "DELETE" => format!("DELETE FROM {table}"),
                "SELECT" => format!("SELECT * FROM {table}"),
                column => format!("UPDATE {table} SET {column} = {column}"),
            };
            let explain = format!("EXPLAIN (COSTS OFF) {statement} WHERE {strange}");
            let plan = text(&transaction, &explain).await;
            let filter = plan
                .lines()
                .find(|line| line.contains("Filter:") && line.contains(printed))
                .unwrap_or_else(|| panic!("{plan}"));
            let at = |part: &str| filter.find(part);
            assert!(
                at(first).is_some() && at(first) < at(printed),
                "{table}, {first}, {strange}: {plan}"
            );
        }
    }

    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn policy_stands_before_the_conditions_of_a_statement() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();
    let config = crate::fixture::config(&database);
    require(&owner, &config, entities()).await;
    let many = "INSERT INTO project (title, owner_id, tenant_id)
                  SELECT '', 1, '00000000-0000-0000-0000-000000000001' FROM generate_series(1, 20000);
                INSERT INTO member SELECT gen_random_uuid(), 1 FROM generate_series(1, 20000)";
    fill(&owner, many).await;

    // Owner, tenant, both with shared rows and soft deletion, through another table, and membership.
    let shapes = [
        ("profile", "CASE WHEN (account_id = "),
        ("org", "CASE WHEN (id = "),
        ("project", "deleted_at >= ANY"),
        ("project", "is_public"),
        ("project", "CASE WHEN (tenant_id = "),
        ("step", "hashed SubPlan"),
        ("document", "hashed SubPlan"),
        ("sample", "CASE WHEN (owner_id = "),
        ("account_id profile", "CASE WHEN (account_id = "),
        ("DELETE project", "CASE WHEN (tenant_id = "),
        ("title project", "CASE WHEN (owner_id = "),
        ("label step", "hashed SubPlan"),
        ("DELETE document", "hashed SubPlan"),
    ];
    assert_first(&owner, &config, &shapes).await;
}

/// Rows whose owner and tenant are both another table's.
#[tokio::test]
async fn policy_through_another_table_stands_first_for_owner_and_tenant() {
    let (database, owner) = database().await;
    owner.execute_unprepared(NOTEBOOKS).await.unwrap();
    let config = crate::fixture::config(&database);
    require(&owner, &config, notebooks()).await;
    let many = "INSERT INTO notebook (owner_id, tenant_id)
                  SELECT 1, '00000000-0000-0000-0000-000000000001' FROM generate_series(1, 20000)";
    fill(&owner, many).await;

    let shapes = [
        ("notebook", "CASE WHEN (owner_id = "),
        ("notebook", "CASE WHEN (tenant_id = "),
        ("page", "hashed SubPlan"),
    ];
    assert_first(&owner, &config, &shapes).await;
}

/// Which functions policies call depends on the types of their columns.
#[tokio::test]
async fn policy_stands_first_whatever_types_it_compares() {
    let (database, owner) = database().await;
    let tables = "CREATE TABLE shelf (id smallserial PRIMARY KEY, owner_id uuid NOT NULL,
                    is_public boolean NOT NULL DEFAULT false, deleted_at timestamp);
                  CREATE TABLE book (id serial PRIMARY KEY, shelf_id smallint NOT NULL REFERENCES shelf);
                  CREATE TABLE desk (id char(8) PRIMARY KEY, owner_id uuid NOT NULL);
                  CREATE TABLE drawer (id numeric PRIMARY KEY, desk_id varchar(8) NOT NULL REFERENCES desk)";
    owner.execute_unprepared(tables).await.unwrap();
    let config = crate::fixture::config(&database);
    let entities = registry![shelf::Entity, book::Entity, desk::Entity, drawer::Entity].unwrap();
    let statements = require(&owner, &config, entities).await;
    let many =
        "INSERT INTO shelf (owner_id) SELECT gen_random_uuid() FROM generate_series(1, 20000);
                INSERT INTO desk SELECT g, gen_random_uuid() FROM generate_series(1, 20000) g";
    fill(&owner, many).await;

    for function in ["int2eq", "timestamp_ge_timestamptz", "uuid_eq"] {
        assert!(statements.contains(function), "{function}: {statements}");
    }

    let shapes = [
        ("shelf", "deleted_at >= ANY"),
        ("shelf", "is_public"),
        ("book", "hashed SubPlan"),
        ("drawer", "hashed SubPlan"),
    ];
    assert_first(&owner, &config, &shapes).await;
}

/// A comparison that a draft declares stands first too; a condition that costs something does not, and
/// ends the level.
#[tokio::test]
async fn condition_of_a_draft_stands_first_or_ends_the_level() {
    let (database, owner) = database().await;
    let tables =
        "CREATE TABLE letter (id serial PRIMARY KEY, owner_id uuid NOT NULL, box integer NOT NULL,
                    state char(8) NOT NULL)";
    owner.execute_unprepared(tables).await.unwrap();
    let config = crate::fixture::config(&database);
    let entities = registry![letter::Entity].unwrap();
    let statements = require(&owner, &config, entities.clone()).await;
    assert!(
        statements.contains("pg_catalog.text(character)"),
        "{statements}"
    );
    let shapes = [
        ("letter", "CASE WHEN (box = "),
        ("letter", "CASE WHEN ((state)::text <> "),
    ];
    assert_first(&owner, &config, &shapes).await;

    let config = config.signed_contexts(SignedContexts::Required);
    let doctor = Doctor::new(entities, config);
    let report = doctor.examine(&owner).await.unwrap();
    let late = |report: &Report| {
        let rules = report.findings().iter();
        rules.filter(|it| it.rule.id == "RLS027").count()
    };
    assert_eq!(late(&report), 0, "{}", report.text(false));

    let costly = "CREATE FUNCTION open(state char) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
                    AS 'BEGIN RETURN state = ''open''; END';
                  CREATE POLICY open ON letter AS RESTRICTIVE USING (open(state))";
    owner.execute_unprepared(costly).await.unwrap();
    let report = doctor.examine(&owner).await.unwrap();
    assert_eq!(late(&report), 1, "{}", report.text(false));
    let text = report.text(false).to_string();
    assert!(
        text.contains("`public.open(state)` of its policies"),
        "{text}"
    );
    assert_ne!(report.level(), Level::Signed);
}
