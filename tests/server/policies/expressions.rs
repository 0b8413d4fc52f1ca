//! Expressions that name tables: the table itself, others, other schemas, partitions, another
//! `search_path`.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm_rls::RlsError;
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::policy::{Expression, Grantee, Policy, PolicyDraft, setting};

use super::Things;

async fn holds(things: &Things, draft: PolicyDraft) {
    things.sync([draft.clone()]).await.unwrap();
    assert_eq!(
        things.plan([draft.clone()]).await.unwrap().to_string(),
        "",
        "{draft:?}"
    );
}

/// For the administrator's role: some of these read their own table, which the server refuses when
/// it plans a statement of a role that they hold for.
fn raw(condition: &str) -> PolicyDraft {
    Policy::permissive("p")
        .to([Grantee::Admin])
        .using(Expression::raw_sql(condition))
}

#[tokio::test]
async fn tables_are_found_as_the_login_finds_them() {
    let things = Things::new().await;
    for condition in [
        "EXISTS (SELECT FROM thing up WHERE up.id = thing.parent AND up.flag)",
        "EXISTS (SELECT FROM public.thing WHERE thing.flag)",
        "parent = ANY (ARRAY(SELECT id FROM thing WHERE flag))",
        "EXISTS (SELECT FROM side.thing other WHERE other.id = thing.id)",
        "EXISTS (SELECT FROM side.thing WHERE side.thing.id = owner_id)",
        "org = ANY (ARRAY(SELECT m.org FROM member m WHERE m.account = 1))",
        "state = ANY (enum_range('Open'::state, NULL))",
        "tags && '{a,\"b c\"}'::text[]",
    ] {
        holds(&things, raw(condition)).await;
    }

    let members = Query::select()
        .column(Alias::new("org"))
        .from(Alias::new("member"))
        .and_where(Expr::col("account").eq(setting::<i32>("app.account")))
        .to_owned();

    holds(
        &things,
        Policy::permissive("p").using(Expr::col(("thing", "org")).in_subquery(members)),
    )
    .await;
}

#[tokio::test]
async fn another_search_path_finds_another_table() {
    let things = Things::new().await;
    let condition = || {
        Policy::permissive("p").using(Expression::raw_sql(
            "EXISTS (SELECT FROM hint WHERE hint.id = thing.id)",
        ))
    };
    things
        .owner
        .execute_unprepared(
            "CREATE TABLE public.hint (id integer); CREATE TABLE side.hint (id integer)",
        )
        .await
        .unwrap();
    things.sync([condition()]).await.unwrap();

    let name = things.database.name().to_owned();
    let path = format!("ALTER DATABASE \"{name}\" SET search_path = public, side");
    things.owner.execute_unprepared(&path).await.unwrap();

    let other = sea_orm::Database::connect(things.database.url())
        .await
        .unwrap();
    assert!(
        things
            .rls([condition()])
            .plan(&other)
            .await
            .unwrap()
            .is_empty(),
        "the same table"
    );
    things
        .owner
        .execute_unprepared("ALTER TABLE public.hint SET SCHEMA side_2")
        .await
        .unwrap_err();
    things
        .owner
        .execute_unprepared("DROP TABLE side.hint; ALTER TABLE public.hint SET SCHEMA side")
        .await
        .unwrap();
    assert!(
        things
            .rls([condition()])
            .plan(&other)
            .await
            .unwrap()
            .is_empty(),
        "it moved, and the policy with it"
    );
    things
        .owner
        .execute_unprepared("CREATE TABLE public.hint (id integer)")
        .await
        .unwrap();

    let plan = things.rls([condition()]).plan(&other).await.unwrap();

    assert_eq!(
        plan.changes().len(),
        2,
        "the name means another table now: policy and guard change: {plan}"
    );
}

#[tokio::test]
async fn partitioned_tables_are_compared() {
    let things = Things::new().await;
    things
        .owner
        .execute_unprepared(
            "DROP TABLE thing;
             CREATE TABLE thing (id integer, owner_id integer, org bigint, label text, flag \
             boolean, part integer)
                 PARTITION BY LIST (part);
             CREATE TABLE thing_1 PARTITION OF thing FOR VALUES IN (1)",
        )
        .await
        .unwrap();

    holds(
        &things,
        raw("owner_id = 1 AND EXISTS (SELECT FROM thing t WHERE t.part = thing.part)"),
    )
    .await;
}

#[tokio::test]
async fn what_the_server_does_not_take_is_an_error_that_names_the_table() {
    let things = Things::new().await;
    things.sync([raw("flag")]).await.unwrap();

    for condition in [
        "nothing = 1",
        "flag AND",
        "public.thing.flag",
        "sum(id) = 1",
        "f(flag)",
    ] {
        let error = things.plan([raw(condition)]).await.unwrap_err();
        assert!(
            matches!(&error, RlsError::Schema(SchemaError::Policies { table, .. }) if table == "public.thing"),
            "{condition}: {error}"
        );

        let error = things.sync([raw(condition)]).await.unwrap_err();
        assert!(
            matches!(&error, RlsError::Schema(_)),
            "{condition}: {error}"
        );

        assert!(
            things.plan([raw("flag")]).await.unwrap().is_empty(),
            "nothing was changed"
        );
    }
}
