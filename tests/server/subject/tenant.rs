//! One tenant of several, and one user in one of them.

use std::num::NonZeroU32;

use sea_orm_rls::subject::SubjectError;

use super::{carol, world};

/// The rows of the tenant `o'b"c`.
const OF_TENANT: [(&str, &str); 7] = [
    ("org", "t.id = 'o''b\"c'"),
    ("member", "t.tenant_id = 'o''b\"c'"),
    ("\"Side\".\"Project Of\"", "t.tenant_id = 'o''b\"c'"),
    ("stage", IN_PROJECT),
    ("draft", IN_PROJECT),
    ("sale", "t.tenant_id = 'o''b\"c'"),
    ("event", "t.tenant_id = 'o''b\"c'"),
];

const IN_PROJECT: &str =
    "t.project_id IN (SELECT id FROM \"Side\".\"Project Of\" WHERE tenant_id = 'o''b\"c')";

const TENANT: [(&str, &str); 1] = [("app.tenant_id", "o'b\"c")];

/// Before and after an erasure differ by exactly the tenant's rows, which an export has, whether
/// they go at once or in batches.
#[tokio::test]
async fn one_of_several_tenants_is_exported_and_erased() {
    for batch in [None, NonZeroU32::new(3)] {
        let world = world::new().await;
        let mut subject = world
            .subject(&TENANT)
            .skip("account", "users stay")
            .skip("setting", "users stay");
        if let Some(rows) = batch {
            subject = subject.batch(rows);
        }
        let theirs = world.rows(&OF_TENANT).await;
        assert_eq!(theirs.len(), 1 + 2 + 6 + 12 + 6 + 4 + 16);

        let before = world.dump().await;
        let mut out = Vec::new();
        let exported = subject.export(carol(), &mut out).await.unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.lines().count(), theirs.len(), "{out}");
        for line in out.lines() {
            let (_, row) = line.split_once("\"row\" : ").unwrap();
            let row = row.strip_suffix('}').unwrap();
            assert!(theirs.iter().any(|it| it.ends_with(row)), "{line}");
        }
        assert_eq!(world.dump().await, before);

        let preview = subject.preview(carol()).await.unwrap();
        let erased = subject.erase(carol()).await.unwrap();
        assert_eq!(
            (erased.rows(), preview.rows(), exported.rows()),
            (47, 47, 47)
        );
        assert_eq!(erased.tables(), preview.tables());

        let after = world.dump().await;
        let gone: Vec<&String> = before.difference(&after).collect();
        assert_eq!(gone, theirs.iter().collect::<Vec<_>>());
        assert_eq!(after.difference(&before).count(), 0);
    }
}

/// Rows of users are no tenant's, whoever is a member: that is for the administrator to decide.
#[tokio::test]
async fn users_of_a_tenant_are_undecided() {
    let world = world::new().await;
    let before = world.dump().await;
    let error = world.subject(&TENANT).erase(carol()).await.unwrap_err();
    let SubjectError::Undecided { tables } = &error else {
        panic!("{error}")
    };
    let names: Vec<&str> = tables.iter().map(|it| it.table.as_str()).collect();
    assert_eq!(names, ["public.account", "public.setting"]);
    assert_eq!(world.dump().await, before);
}

/// A user of one tenant keeps the rows in others, those whose tenant another row names too. What is
/// theirs in every tenant is undecided.
#[tokio::test]
async fn user_of_one_tenant_keeps_the_rest() {
    let world = world::new().await;
    let user = [("app.tenant_id", "o'b\"c"), ("app.user_id", "1")];
    let error = world.subject(&user).erase(carol()).await.unwrap_err();
    let SubjectError::Undecided { tables } = &error else {
        panic!("{error}")
    };
    let names: Vec<&str> = tables.iter().map(|it| it.table.as_str()).collect();
    assert_eq!(names, ["public.account", "public.setting"]);

    let theirs = "t.tenant_id = 'o''b\"c'";
    let stage = format!(
        "{IN_PROJECT} AND t.project_id IN (SELECT id FROM \"Side\".\"Project Of\" WHERE \"The \"\"Owner\"\"\" = 1)"
    );
    let theirs = world
        .rows(&[
            ("member", &format!("{theirs} AND t.user_id = 1")),
            (
                "\"Side\".\"Project Of\"",
                &format!("{theirs} AND t.\"The \"\"Owner\"\"\" = 1"),
            ),
            ("stage", &stage),
            ("draft", &format!("{IN_PROJECT} AND t.owner_id = 1")),
        ])
        .await;
    assert_eq!(theirs.len(), 1 + 3 + 6 + 3);

    let before = world.dump().await;
    let subject = world
        .subject(&user)
        .skip("account", "stays a user")
        .skip("setting", "stays a user");
    let erased = subject.erase(carol()).await.unwrap();
    let after = world.dump().await;
    let gone: Vec<&String> = before.difference(&after).collect();
    assert_eq!(gone, theirs.iter().collect::<Vec<_>>());
    assert_eq!(erased.rows(), 13);
}
