//! No condition of a statement is evaluated on a row before the policy: each plan shows it.

use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_rls::RlsSchema;
use sea_orm_rls::doctor::{Doctor, Remedy};
use sea_orm_rls::signing::SignedContexts;
use std::time::Duration;

use crate::proof::shop::{TABLES, entities};
use crate::schema::{database, text};

/// Conditions of a statement that the server may evaluate before a policy's, and how it prints them: one
/// that names no column and is as cheap as any function, one that is cheaper, and one that the planner
/// thinks to cost nothing. None of them tells anything.
const STRANGE: [(&str, &str); 3] = [
    ("random() IS NOT NULL", "random()"),
    ("tableoid >= ANY (ARRAY[0::oid])", "tableoid >= ANY"),
    ("ARRAY[tableoid, tableoid] IS NOT NULL", "ARRAY[tableoid"),
];

#[tokio::test]
async fn policy_stands_before_the_conditions_of_a_statement() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();
    let config = crate::fixture::config(&database).signed_contexts(SignedContexts::Sent);
    let schema = |config| RlsSchema::new(entities(), config);
    schema(config.clone()).sync(&owner).await.unwrap();
    schema(config.clone())
        .rotate_keys(&owner, Duration::ZERO)
        .await
        .unwrap();
    schema(config.clone().signed_contexts(SignedContexts::Required))
        .sync(&owner)
        .await
        .unwrap();

    // As `rls harden` says.
    let report = Doctor::new(
        entities(),
        config.clone().signed_contexts(SignedContexts::Required),
    )
    .examine(&owner)
    .await
    .unwrap();
    let costs = report.findings().iter().find(|it| it.rule.id == "RLS025");
    let Some(Remedy::Sql { statements, .. }) = costs.map(|it| &it.remedy) else {
        panic!("{}", report.text(false));
    };
    owner
        .execute_unprepared(&statements.join("; "))
        .await
        .unwrap();

    let transaction = owner.begin().await.unwrap();
    let app = config.app_role();
    transaction
        .execute_unprepared(&format!(
            "SET LOCAL ROLE \"{app}\"; SET LOCAL enable_indexscan = off;
             SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexonlyscan = off"
        ))
        .await
        .unwrap();

    // Owner, tenant, both with shared rows and soft deletion, through another table, and membership.
    for (table, first) in [
        ("profile", "COALESCE((account_id = "),
        ("org", "COALESCE((id = "),
        ("project", "deleted_at >= ANY"),
        ("project", "is_public"),
        ("project", "COALESCE((tenant_id = "),
        ("step", "hashed SubPlan"),
        ("document", "hashed SubPlan"),
        ("sample", "COALESCE((owner_id = "),
    ] {
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
