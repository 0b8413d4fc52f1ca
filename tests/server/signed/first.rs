//! No condition of a statement is evaluated on a row before the policy: each plan shows it.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use sea_orm_rls::doctor::{Doctor, Remedy};
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

/// Each table, and the part of its policy that stands before the conditions of a statement.
async fn assert_first(owner: &DatabaseConnection, config: &RlsConfig, shapes: &[(&str, &str)]) {
    let transaction = owner.begin().await.unwrap();
    let app = config.app_role();
    transaction
        .execute_unprepared(&format!(
            "SET LOCAL ROLE \"{app}\"; SET LOCAL enable_indexscan = off;
             SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexonlyscan = off"
        ))
        .await
        .unwrap();

    for (table, first) in shapes {
        for (strange, printed) in STRANGE {
            let explain = format!("EXPLAIN (COSTS OFF) SELECT * FROM {table} WHERE {strange}");
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

    // Owner, tenant, both with shared rows and soft deletion, through another table, and membership.
    let shapes = [
        ("profile", "COALESCE((account_id = "),
        ("org", "COALESCE((id = "),
        ("project", "deleted_at >= ANY"),
        ("project", "is_public"),
        ("project", "COALESCE((tenant_id = "),
        ("step", "hashed SubPlan"),
        ("document", "hashed SubPlan"),
        ("sample", "COALESCE((owner_id = "),
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

    let shapes = [
        ("notebook", "COALESCE((owner_id = "),
        ("notebook", "COALESCE((tenant_id = "),
        ("page", "hashed SubPlan"),
    ];
    assert_first(&owner, &config, &shapes).await;
}

/// By which functions policies compare depends on the types of their columns.
#[tokio::test]
async fn policy_stands_first_whatever_types_it_compares() {
    let (database, owner) = database().await;
    let tables = "CREATE TABLE shelf (id smallserial PRIMARY KEY, owner_id uuid NOT NULL,
                    is_public boolean NOT NULL DEFAULT false, deleted_at timestamp);
                  CREATE TABLE book (id serial PRIMARY KEY, shelf_id smallint NOT NULL REFERENCES shelf)";
    owner.execute_unprepared(tables).await.unwrap();
    let config = crate::fixture::config(&database);
    let entities = registry![shelf::Entity, book::Entity].unwrap();
    let statements = require(&owner, &config, entities).await;

    for function in ["int2eq", "timestamp_ge_timestamptz", "uuid_eq"] {
        assert!(statements.contains(function), "{statements}");
    }

    let shapes = [
        ("shelf", "deleted_at >= ANY"),
        ("shelf", "is_public"),
        ("book", "hashed SubPlan"),
    ];
    assert_first(&owner, &config, &shapes).await;
}
