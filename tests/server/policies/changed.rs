//! What counts as a change, and what does not.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm_rls::policy::{Command, Expression, Grantee, Policy, PolicyDraft, setting};
use sea_orm_rls::schema::{Change, PolicyChange, RowSecurityChange, TableChange};

use super::Things;

fn raw(condition: &str) -> PolicyDraft {
    Policy::permissive("p").using(Expression::raw_sql(condition))
}

fn words(changes: &[Change]) -> Vec<&'static str> {
    changes
        .iter()
        .map(|change| match change {
            Change::Table(_, TableChange::Policy(change)) => match change {
                PolicyChange::Alter { .. } => "alter",
                PolicyChange::Create { .. } => "create",
                PolicyChange::Drop { .. } => "drop",
                PolicyChange::Rename { .. } => "rename",
                PolicyChange::Comment { .. } => "comment",
                _ => "other",
            },
            Change::Table(_, TableChange::RowSecurity(change)) => match change {
                RowSecurityChange::Force => "force",
                RowSecurityChange::Enable => "enable",
                _ => "other",
            },
            _ => "other",
        })
        .collect()
}

#[tokio::test]
async fn another_meaning_is_a_change() {
    let things = Things::new().await;

    // The guard changes with the policy.
    let pairs = [
        (
            "(flag OR org = 1) AND owner_id = 2",
            "flag OR (org = 1 AND owner_id = 2)",
        ),
        ("label = 'Open'", "label = 'open'"),
        ("state = 'Open'", "state = 'open'"),
        (
            "owner_id = current_setting('app.a')::int",
            "owner_id = current_setting('app.a')::bigint",
        ),
        ("label::varchar(3) = 'abc'", "label::varchar(4) = 'abc'"),
        ("amount = 1.0", "amount = 1.00"),
        ("tags @> ARRAY['a']", "tags <@ ARRAY['a']"),
        ("NOT flag", "flag"),
        (
            "EXISTS (SELECT FROM member m WHERE m.org = thing.org)",
            "EXISTS (SELECT FROM member m WHERE m.org = org)",
        ),
        ("label COLLATE \"C\" = 'a'", "label COLLATE \"POSIX\" = 'a'"),
        ("label = 'a' || 'b'", "label = 'ab'"),
        (
            "made > now() - interval '1 day'",
            "made > now() - interval '1 month'",
        ),
    ];

    for (one, other) in pairs {
        things.sync([raw(one)]).await.unwrap();
        assert_eq!(
            things.plan([raw(one)]).await.unwrap().to_string(),
            "",
            "{one}"
        );

        let plan = things.plan([raw(other)]).await.unwrap();
        assert_eq!(
            words(plan.changes()),
            ["alter", "alter"],
            "{one} -> {other}"
        );
        things.sync([raw(other)]).await.unwrap();

        assert!(
            things.plan([raw(other)]).await.unwrap().is_empty(),
            "{other}"
        );
    }
}

#[tokio::test]
async fn another_spelling_is_no_change() {
    let things = Things::new().await;
    let pairs = [
        ("flag OR org = 1", "  (flag)  or ((org = 1))"),
        ("label IN ('a', 'b')", "label = ANY (ARRAY['a', 'b'])"),
        ("owner_id = 1::int", "owner_id = CAST(1 AS integer)"),
        ("thing.owner_id = 1 -- own", "owner_id = 1"),
        ("label = E'it\\'s'", "label = 'it''s'"),
        ("label = U&'\\0061'", "label = 'a'"),
        (
            "EXISTS (SELECT 1 FROM member WHERE member.org = thing.org)",
            "exists (select 1 from public.member where member.org = thing.org)",
        ),
    ];

    for (one, other) in pairs {
        things.sync([raw(one)]).await.unwrap();
        assert_eq!(
            things.plan([raw(other)]).await.unwrap().to_string(),
            "",
            "{one} -> {other}"
        );
    }
}

#[tokio::test]
async fn roles_kind_and_command_are_changes() {
    let things = Things::new().await;
    let base = || Policy::permissive("p").on([Command::Select]).using(true);
    let reader = things.database.role("Read\n\"er");
    let quoted = reader.replace('"', "\"\"");

    things
        .owner
        .execute_unprepared(&format!("CREATE ROLE \"{quoted}\""))
        .await
        .unwrap();

    let with_reader = || base().to([Grantee::App, Grantee::Role(reader.clone())]);
    things.sync([base()]).await.unwrap();

    let plan = things.plan([with_reader()]).await.unwrap();
    assert_eq!(words(plan.changes()), ["alter"]);
    assert_eq!(
        plan.weakening().count(),
        1,
        "a permissive policy for one role more"
    );
    assert!(
        things
            .rls([with_reader()])
            .sync(&things.owner)
            .await
            .is_err(),
        "without consent"
    );
    things.sync([with_reader()]).await.unwrap();

    let plan = things.plan([base()]).await.unwrap();
    assert_eq!(
        (words(plan.changes()), plan.weakening().count()),
        (vec!["alter"], 0),
        "a role less"
    );

    things
        .sync([base(), Policy::restrictive("r").using(true)])
        .await
        .unwrap();

    let made_permissive = [base(), Policy::permissive("r").using(true)];
    let plan = things.plan(made_permissive.clone()).await.unwrap();
    assert!(
        plan.weakening().count() >= 1,
        "restrictive made permissive: {plan}"
    );
    things.sync(made_permissive).await.unwrap();

    let made_restrictive = [base(), Policy::restrictive("r").using(true)];
    let plan = things.plan(made_restrictive.clone()).await.unwrap();
    assert!(
        words(plan.changes()).starts_with(&["drop", "create"]),
        "{plan}"
    );
    things.sync(made_restrictive).await.unwrap();

    let for_update = [
        Policy::permissive("p").on([Command::Update]).using(true),
        Policy::restrictive("r").using(true),
    ];

    let plan = things.plan(for_update.clone()).await.unwrap();
    assert!(words(plan.changes()).contains(&"create"), "{plan}");
    things.sync(for_update.clone()).await.unwrap();
    assert_eq!(things.plan(for_update).await.unwrap().to_string(), "");
}

#[tokio::test]
async fn dropped_force_is_a_change_and_a_fingerprint_alone_is_none() {
    let things = Things::new().await;
    let own = || {
        Policy::permissive("own")
            .using(Expr::col("owner_id").eq(setting::<i32>("app.account")))
            .comment("own rows")
    };

    things.sync([own()]).await.unwrap();
    things
        .owner
        .execute_unprepared("ALTER TABLE thing NO FORCE ROW LEVEL SECURITY")
        .await
        .unwrap();
    assert_eq!(
        words(things.plan([own()]).await.unwrap().changes()),
        ["force"]
    );
    things.sync([own()]).await.unwrap();

    let comment = "SELECT obj_description(oid, 'pg_policy') FROM pg_policy WHERE polname = 'own'";
    let written = crate::schema::text(&things.owner, comment).await;
    assert!(written.starts_with("own rows\nsea-orm-rls: "), "{written}");

    let other = "COMMENT ON POLICY own ON thing IS E'own rows\\nsea-orm-rls: \
                 0123456789abcdef01234567 0123456789abcdef01234567'";
    things.owner.execute_unprepared(other).await.unwrap();
    assert!(
        things.plan([own()]).await.unwrap().is_empty(),
        "a fingerprint alone"
    );
    assert!(things.sync([own()]).await.unwrap().is_empty());
    assert_eq!(
        crate::schema::text(&things.owner, comment).await,
        written,
        "it is written anew"
    );

    let other = own().comment("other words");
    assert_eq!(
        words(things.plan([other.clone()]).await.unwrap().changes()),
        ["comment"]
    );
    things.sync([other]).await.unwrap();

    assert!(
        crate::schema::text(&things.owner, comment)
            .await
            .starts_with("other words\n")
    );
}

#[tokio::test]
async fn policies_made_by_hand_stay_and_are_named() {
    let things = Things::new().await;
    let own =
        || Policy::permissive("own").using(Expr::col("owner_id").eq(setting::<i32>("app.account")));
    things
        .owner
        .execute_unprepared("CREATE POLICY by_hand ON thing USING (flag)")
        .await
        .unwrap();
    things
        .owner
        .execute_unprepared("ALTER TABLE member ENABLE ROW LEVEL SECURITY")
        .await
        .unwrap();
    things.sync([own()]).await.unwrap();

    let plan = things.plan([own()]).await.unwrap();
    let unmanaged: Vec<String> = plan.unmanaged().iter().map(ToString::to_string).collect();
    assert!(plan.is_empty());
    assert_eq!(
        unmanaged,
        [
            "policy `by_hand` on `public.thing` was made by hand, and stays",
            "table `public.member` has row security and no registered entity; its policies stay",
        ]
    );

    // One of ours that no entity asks for any more goes.
    let plan = things
        .sync([own(), Policy::permissive("more").using(true)])
        .await
        .unwrap();

    assert!(words(plan.changes()).contains(&"create"));

    let plan = things.sync([own()]).await.unwrap();
    assert!(words(plan.changes()).contains(&"drop"), "{plan}");

    assert!(
        things
            .held("thing")
            .await
            .iter()
            .any(|policy| policy.starts_with("by_hand"))
    );
}
