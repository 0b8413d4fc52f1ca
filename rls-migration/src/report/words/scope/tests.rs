use std::collections::BTreeSet;

use rls_core::Owned;

use super::*;
use crate::report::fixture::{self, column, current, key, table};

fn said(scope: &Scope) -> Vec<String> {
    let config = RlsConfig::new();
    let holders = Holders::new([scope]);
    super::scope(scope, &scope.desired_policies(&config), &config, &holders)
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn owned(holder: Holder, name: &str, on_delete: Option<OnDelete>) -> Key {
    let foreign_key = ForeignKey {
        table: table("user"),
        column: column("id"),
        on_delete,
    };

    let owned = Owned {
        foreign_key: Some(foreign_key),
        index: Vec::new(),
        default: true,
        backfill: None,
    };

    Key {
        kind: ScopeKind::Owned(owned),
        ..key(holder, name)
    }
}

#[test]
fn rows_of_a_user() {
    let scope = fixture::scope(
        "task",
        vec![owned(Holder::User, "owner_id", Some(OnDelete::Cascade))],
    );

    assert_eq!(
        said(&scope),
        [
            "each row belongs to the user named in `owner_id`, a row of `user`, and is deleted \
             with it",
            "a user may read, add, change and delete the rows whose `owner_id` is the user's id; a \
             changed row must \
             still be one of them",
        ]
    );

    assert_eq!(
        said(&fixture::scope("user", vec![key(Holder::User, "id")]))[0],
        "each row is a user, known by `id`"
    );
}

#[test]
fn shared_and_deleted_rows_are_read_otherwise_than_written() {
    let mut scope = fixture::scope("task", vec![owned(Holder::User, "owner_id", None)]);
    scope.shared.insert(Holder::User, column("open"));
    scope.soft_delete = Some(column("gone"));
    scope.privileges = BTreeSet::from([Privilege::Select, Privilege::Update]);

    assert_eq!(
        said(&scope)[1..],
        [
            "a row whose `open` is true may be read by every user",
            "a row counts as deleted, and is hidden, once the time in `gone` has passed",
            "a user may read the rows (whose `owner_id` is the user's id or whose `open` is true) \
             and whose `gone` is \
             empty or not in the past",
            "a user may change the rows whose `owner_id` is the user's id; a changed row must \
             still be one of them",
            "the application may add or delete no row, since that is not granted to it",
        ]
    );
}

#[test]
fn columns_that_may_be_set_are_named() {
    let mut scope = fixture::scope("task", vec![owned(Holder::User, "owner_id", None)]);
    let columns = BTreeSet::from([column("done"), column("title")]);
    scope.columns.insert(Privilege::Insert, columns.clone());
    scope.columns.insert(Privilege::Update, columns);

    let said = said(&scope);
    assert_eq!(
        said[said.len() - 2..],
        [
            "of a row that is added, the application sets `done`, `title` alone",
            "of a row that is changed, the application sets `done`, `title` alone",
        ]
    );
}

#[test]
fn rows_of_a_tenant_and_rows_through_others() {
    let mut scope = fixture::scope(
        "note",
        vec![owned(Holder::Tenant, "org_id", Some(OnDelete::Restrict))],
    );

    assert!(
        said(&scope)[1].starts_with("a tenant may read, add, "),
        "{:?}",
        said(&scope)
    );
    assert!(
        said(&scope)[0].ends_with(", a row of `user`, which cannot be deleted while it has any")
    );
    scope.through.push(Through {
        holder: Holder::User,
        column: column("task_id"),
        parent: table("task"),
        parent_column: column("id"),
        unique: true,
        holds: current(Holder::User, "owner_id"),
    });

    let said = said(&scope);
    assert_eq!(
        said[1..3],
        [
            "each row belongs to the users who own a row of `task` whose `id` is this row's \
             `task_id`",
            "a row is owned only if all of this holds",
        ]
    );

    assert!(
        said[3].starts_with("a user may read, add, change and delete the rows whose `org_id` is"),
        "{said:?}"
    );
}

#[test]
fn policies_of_its_own_join_with_the_declared_ones() {
    let mut scope = fixture::scope("user", vec![key(Holder::User, "id")]);
    scope.policies = vec![
        Policy::permissive("open")
            .on([Command::Select])
            .using(Expression::raw_sql("open")),
        Policy::restrictive("no_superusers")
            .on([Command::Insert, Command::Update])
            .with_check(Expression::raw_sql("NOT super")),
    ];

    assert_eq!(
        said(&scope)[1..],
        [
            "a user may read the rows whose `id` is the user's id or for which this SQL holds: \
             `open`",
            "a user may add rows whose `id` is the user's id and for which this SQL holds: `NOT \
             super`",
            "a user may change the rows whose `id` is the user's id; a changed row must then be \
             one whose `id` is the \
             user's id and for which this SQL holds: `NOT super`",
            "a user may delete the rows whose `id` is the user's id",
        ]
    );
}

#[test]
fn unscoped_tables_say_why() {
    let mut scope = fixture::scope("country", Vec::new());
    scope.unscoped = Some("the same for everyone.".to_owned());
    scope.privileges = BTreeSet::from([Privilege::Select]);

    assert_eq!(
        said(&scope),
        [
            "its rows belong to nobody: the same for everyone",
            "the application may read every row",
            "the application may add, change or delete no row, since that is not granted to it",
        ]
    );
}
