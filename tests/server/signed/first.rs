//! No condition of a statement is evaluated on a row before the policy: each plan shows it.

use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_rls::RlsSchema;
use sea_orm_rls::signing::SignedContexts;
use std::time::Duration;

use crate::proof::shop::{TABLES, entities};
use crate::schema::{database, text};

/// A condition that names no column, may differ for each row, and is as cheap as any function. The
/// server may evaluate it before those conditions of a policy that cost more, or that are equalities.
const STRANGE: &str = "random() IS NOT NULL";

#[tokio::test]
async fn policy_stands_before_a_condition_without_columns() {
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
        let explain = format!("EXPLAIN (COSTS OFF) SELECT * FROM {table} WHERE {STRANGE}");
        let plan = text(&transaction, &explain).await;
        let filter = plan
            .lines()
            .find(|line| line.contains("Filter:") && line.contains("random()"))
            .unwrap_or_else(|| panic!("{plan}"));
        let at = |part: &str| filter.find(part);
        assert!(
            at(first).is_some() && at(first) < at("random()"),
            "{table}, {first}: {plan}"
        );
    }

    transaction.rollback().await.unwrap();
}
