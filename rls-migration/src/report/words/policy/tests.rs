use rls_core::{Holder, PolicyDraft};

use super::*;
use crate::report::fixture::{column, current, key, scope};

fn said(draft: &PolicyDraft) -> String {
    let holders = Holders::new(&[scope("user", vec![key(Holder::User, "id")])]);
    let config = RlsConfig::new();
    let built = draft.build(&config).unwrap();

    assert_eq!(built.len(), 1);
    super::policy(&built[0], &config, &holders).to_string()
}

fn own() -> Expression {
    current(Holder::User, "owner_id")
}

fn open() -> Expression {
    Expression::IsTrue(column("open"))
}

#[test]
fn each_command_has_its_own_words() {
    for (command, expected) in [
        (
            Command::Select,
            "the application may read the rows whose `owner_id` is the user's id",
        ),
        (
            Command::Update,
            "the application may change the rows whose `owner_id` is the user's id; a changed row \
             must still be one \
             of them",
        ),
        (
            Command::Delete,
            "the application may delete the rows whose `owner_id` is the user's id",
        ),
        (
            Command::All,
            "the application may read, add, change and delete the rows whose `owner_id` is the \
             user's id; a changed \
             row must still be one of them",
        ),
    ] {
        assert_eq!(
            said(&Policy::permissive("p").on([command]).using(own())),
            expected,
            "{command:?}"
        );
    }

    let insert = Policy::permissive("p")
        .on([Command::Insert])
        .with_check(own());
    assert_eq!(
        said(&insert),
        "the application may add rows whose `owner_id` is the user's id"
    );

    assert_eq!(
        said(&Policy::permissive("p").using(true)),
        "the application may read, add, change and delete every row"
    );
}

#[test]
fn sides_that_differ_are_told_apart() {
    let both = |command, using: Expression, check: Expression| {
        said(
            &Policy::permissive("p")
                .on([command])
                .using(using)
                .with_check(check),
        )
    };

    let (yes, no) = (Expression::True, Expression::False);

    for (found, expected) in [
        (
            both(Command::Update, own(), open()),
            "the application may change the rows whose `owner_id` is the user's id; a changed row \
             must then be one \
             whose `open` is true",
        ),
        (
            both(Command::All, own(), open()),
            "the application may read, change and delete the rows whose `owner_id` is the user's \
             id; a row that is \
             added or changed must then be one whose `open` is true",
        ),
        (
            both(Command::All, own(), yes.clone()),
            "the application may read, change and delete the rows whose `owner_id` is the user's \
             id; a row that is \
             added or changed may be any",
        ),
        (
            both(Command::Update, own(), yes.clone()),
            "the application may change the rows whose `owner_id` is the user's id; a changed row \
             may become any",
        ),
        (
            both(Command::All, yes.clone(), no.clone()),
            "the application may read and delete every row, and may add or change none",
        ),
        (
            both(Command::Update, own(), no.clone()),
            "the application may change no row",
        ),
        (
            both(Command::Update, no.clone(), own()),
            "the application may change no row",
        ),
        (
            both(Command::All, no.clone(), own()),
            "the application may read, change and delete no row, and may add rows whose `owner_id` \
             is the user's id",
        ),
        (
            both(Command::All, no, yes),
            "the application may read, change and delete no row, and may add any row",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_restrictive_policy_allows_nothing() {
    let on = |command| Policy::restrictive("p").on([command]);
    for (draft, expected) in [
        (
            on(Command::Select).using(own()),
            "whatever other policies allow, the application may read only the rows whose \
             `owner_id` is the user's id",
        ),
        (
            on(Command::All).using(own()),
            "whatever other policies allow, the application may read, add, change or delete only \
             the rows whose \
             `owner_id` is the user's id",
        ),
        (
            on(Command::Delete).using(false),
            "whatever other policies allow, the application may delete no row",
        ),
        (
            on(Command::Insert).with_check(open()),
            "whatever other policies allow, the application may add a row only if it then is one \
             whose `open` is true",
        ),
        (
            on(Command::All).using(true),
            "this policy keeps nothing out",
        ),
        (
            on(Command::Delete).verbatim(),
            "this policy keeps nothing out",
        ),
        (
            on(Command::All).with_check(open()),
            "whatever other policies allow, the application may add or change a row only if it \
             then is one whose \
             `open` is true",
        ),
        (
            on(Command::Update).using(own()).with_check(open()),
            "whatever other policies allow, the application may change only the rows whose \
             `owner_id` is the user's \
             id, and may change a row only if it then is one whose `open` is true",
        ),
        (
            on(Command::All).using(own()).with_check(true),
            "whatever other policies allow, the application may read, change or delete only the \
             rows whose \
             `owner_id` is the user's id",
        ),
    ] {
        assert_eq!(said(&draft), expected);
    }
}

#[test]
fn who_is_named_and_a_policy_without_a_condition_allows_nothing() {
    let reads = || Policy::permissive("p").on([Command::Select]).using(true);
    let config = RlsConfig::new();
    let named = [
        config.app_role().as_str(),
        config.admin_role().as_str(),
        "auditors",
    ];

    assert_eq!(
        said(&reads().to(named)),
        "the role `auditors`, the application and an administrator may read every row",
        "in the order of the roles' names"
    );
    assert_eq!(
        said(&reads().to(["public"])),
        "every role may read every row"
    );

    for command in [
        Command::Select,
        Command::Insert,
        Command::Update,
        Command::Delete,
        Command::All,
    ] {
        let nothing = said(&Policy::permissive("p").on([command]).verbatim());
        assert!(nothing.ends_with(" no row"), "{nothing}");
    }

    assert_eq!(
        said(
            &Policy::permissive("p")
                .on([Command::Update])
                .using(own())
                .verbatim()
        ),
        "the application may change the rows whose `owner_id` is the user's id; a changed row must \
         still be one of them",
        "if no check is said, PostgreSQL takes the condition for both"
    );
}
