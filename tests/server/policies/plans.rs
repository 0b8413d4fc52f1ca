//! The plans that the server makes under declared policies: one condition, one index scan, settings
//! read once.

use sea_orm::sea_query::{Cond, Expr, ExprTrait};
use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_rls::context::Settings;
use sea_orm_rls::policy::{Command, Policy, PolicyDraft, setting};
use sea_orm_rls::{RlsConnection, RlsSchema};

use super::{Things, thing};
use crate::fixture::config;
use crate::schema::text;

impl Things {
    /// As the server plans it for the application's role, with a thousand rows.
    async fn explain(&self, policies: impl IntoIterator<Item = PolicyDraft>, sql: &str) -> String {
        self.owner
            .execute_unprepared(
                "INSERT INTO thing (id, owner_id, org, flag) SELECT i, i % 500, i % 7, i % 1000 = \
                 0 FROM generate_series(1, 20000) i
                 ON CONFLICT DO NOTHING;
                 CREATE INDEX IF NOT EXISTS thing_owner ON thing (owner_id); ANALYZE thing",
            )
            .await
            .unwrap();
        self.sync(policies).await.unwrap();

        let transaction = self.owner.begin().await.unwrap();
        let role = self.config.app_role();
        transaction
            .execute_unprepared(&format!(
                "SET LOCAL ROLE \"{role}\"; SET LOCAL app.account = '3'; SET LOCAL app.org = '3'"
            ))
            .await
            .unwrap();

        let plan = text(&transaction, &format!("EXPLAIN (COSTS OFF) {sql}")).await;
        transaction.rollback().await.unwrap();

        plan
    }
}

fn own() -> Expr {
    Expr::col("owner_id").eq(setting::<i32>("app.account"))
}

#[tokio::test]
async fn guard_folds_into_several_permissive_policies() {
    let things = Things::new().await;
    let one = [Policy::permissive("own").using(own())];
    let plan = things.explain(one, "SELECT * FROM thing").await;

    assert_eq!(init_plans(&plan), 1, "{plan}");
    assert!(
        plan.contains("Index Cond") && !plan.contains("Filter"),
        "{plan}"
    );

    let several = [
        Policy::permissive("b_own")
            .on([Command::Select, Command::Update])
            .using(own()),
        Policy::permissive("c_more")
            .on([Command::Select])
            .using(Expr::col("owner_id").gt(setting::<i32>("app.account"))),
        Policy::permissive("a_less")
            .using(Expr::col("owner_id").lte(setting::<i32>("app.account"))),
    ];

    let plan = things.explain(several, "SELECT * FROM thing").await;

    assert_eq!(
        init_plans(&plan),
        3,
        "the guard is the same condition: {plan}"
    );
}

/// Those that run; since PostgreSQL 17 conditions name them too.
fn init_plans(plan: &str) -> usize {
    plan.lines()
        .filter(|line| line.trim_start().starts_with("InitPlan"))
        .count()
}

#[tokio::test]
async fn conditions_that_two_columns_answer_use_both_indexes() {
    let things = Things::new().await;
    things
        .owner
        .execute_unprepared("CREATE INDEX thing_flag ON thing (flag) WHERE flag")
        .await
        .unwrap();

    let shared =
        Policy::permissive("own_or_shared").using(Cond::any().add(own()).add(Expr::col("flag")));
    let plan = things.explain([shared], "SELECT * FROM thing").await;
    assert!(plan.contains("BitmapOr"), "{plan}");
}

/// limits.md: "a stray permissive policy".
#[tokio::test]
async fn only_who_is_let_through_sees_and_writes() {
    let things = Things::new().await;
    let policies = || {
        [
            Policy::permissive("own").using(own()),
            Policy::permissive("open")
                .on([Command::Select])
                .using(Expr::col("flag")),
            Policy::restrictive("org").using(Expr::col("org").eq(setting::<i64>("app.org"))),
        ]
    };

    things
        .owner
        .execute_unprepared(
            "INSERT INTO thing (id, owner_id, org, flag) VALUES (1, 1, 1, false), (2, 2, 1, true), \
             (3, 2, 1, false), (4, 1, 2, true)",
        )
        .await
        .unwrap();
    things.sync(policies()).await.unwrap();

    // A stray permissive policy opens nothing: the guard is what the declared ones let through.
    things
        .owner
        .execute_unprepared("CREATE POLICY stray ON thing USING (true)")
        .await
        .unwrap();

    let registry = things.rls(policies()).registry().clone();
    let login = config(&things.database);
    RlsSchema::new(registry.clone(), login.clone())
        .sync(&things.owner)
        .await
        .unwrap();

    let db = RlsConnection::connect_with(things.database.url(), login, registry)
        .await
        .unwrap();
    let ids = |account: i32, org: i64| {
        let settings = Settings::new()
            .with("app.account", account)
            .unwrap()
            .with("app.org", org)
            .unwrap();

        let scope = db.scope(settings);

        async move {
            use sea_orm::{EntityTrait, QueryOrder, QuerySelect};

            let ids = thing::Entity::find()
                .select_only()
                .column(thing::Column::Id)
                .order_by_asc(thing::Column::Id);
            ids.into_tuple::<i32>().all(&scope).await.unwrap()
        }
    };

    assert_eq!(ids(1, 1).await, [1, 2]);
    assert_eq!(ids(2, 1).await, [2, 3]);
    assert_eq!(ids(1, 2).await, [4]);

    let scope = db.scope(
        Settings::new()
            .with("app.account", 1)
            .unwrap()
            .with("app.org", 1_i64)
            .unwrap(),
    );

    let delete = scope.execute_unprepared("DELETE FROM thing").await.unwrap();
    assert_eq!(delete.rows_affected(), 1, "its own alone");

    let refused = scope
        .execute_unprepared("INSERT INTO thing (id, owner_id, org) VALUES (9, 2, 1)")
        .await
        .unwrap_err();

    assert!(
        matches!(
            sea_orm_rls::RlsError::from(&refused),
            sea_orm_rls::RlsError::PolicyRefused { .. }
        ),
        "{refused}"
    );
}
