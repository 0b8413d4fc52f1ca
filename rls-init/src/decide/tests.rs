use std::path::Path;

use super::*;
use crate::entity;

const USER: &str = r#"
    pub mod user {
        #[derive(DeriveEntityModel)]
        #[sea_orm(table_name = "user")]
        pub struct Model { #[sea_orm(primary_key)] pub id: Uuid }
    }"#;

/// The decision about the module `thing`, beside `user` and what else is in the text.
fn decided(rest: &str) -> Decision {
    let text = format!("{USER}{rest}");
    let entities = entity::read(Path::new("src/lib.rs"), &text, 0).unwrap();
    let thing = entities
        .iter()
        .position(|entity| entity.module == "thing")
        .unwrap();
    decide(&entities, None).unwrap().swap_remove(thing)
}

fn thing(fields: &str) -> String {
    module("thing", fields)
}

fn module(name: &str, fields: &str) -> String {
    format!(
        "pub mod {name} {{ #[derive(DeriveEntityModel)] #[sea_orm(table_name = \"{name}\")] \
         pub struct Model {{ {fields} }} }}"
    )
}

fn belongs(column: &str, of_type: &str, to: &str) -> String {
    format!(
        "pub {column}: {of_type}, #[sea_orm(belongs_to, from = \"{column}\", to = \"id\")] \
         pub {column}_one: BelongsTo<super::{to}::Entity>,"
    )
}

const ID: &str = "#[sea_orm(primary_key)] pub id: i32,";

#[test]
fn a_named_owner_is_clear() {
    let derive = |keys: &str| Decision::Derive(keys.to_owned());
    for (fields, keys) in [
        (belongs("user_id", "Uuid", "user"), "owner = \"user_id\""),
        (
            belongs("created_by", "Uuid", "user"),
            "owner = \"created_by\"",
        ),
        (belongs("owner_id", "Uuid", "user"), ""),
        ("pub owner_id: Uuid".to_owned(), ""),
    ] {
        let text = thing(&format!("{ID}{fields}"));
        assert_eq!(decided(&text), derive(keys), "{fields}");
    }
}

#[test]
fn a_child_follows_its_parent() {
    let task = module(
        "task",
        &format!("{ID}{}", belongs("user_id", "Uuid", "user")),
    );
    let child = thing(&format!("{ID}{}", belongs("task_id", "i32", "task")));
    let expected = Decision::Derive("via = \"task\"".to_owned());
    assert_eq!(decided(&format!("{child}{task}")), expected);

    // Through a parent that follows one itself.
    let note = module(
        "note",
        &format!("{ID}{}", belongs("task_id", "i32", "task")),
    );
    let child = thing(&format!("{ID}{}", belongs("note_id", "i32", "note")));
    let expected = Decision::Derive("via = \"note\"".to_owned());
    assert_eq!(decided(&format!("{child}{note}{task}")), expected);
}

#[test]
fn what_is_unclear_is_asked() {
    let task = module(
        "task",
        &format!("{ID}{}", belongs("user_id", "Uuid", "user")),
    );
    let tag = module("tag", ID);
    let user = |column: &str, of_type: &str| belongs(column, of_type, "user");

    for (fields, asked) in [
        (ID.to_owned(), "it names no owner"),
        (
            user("assignee_id", "Uuid"),
            "`assignee_id` refers to a user",
        ),
        (user("user_id", "Option<Uuid>"), "`user_id` may be NULL"),
        (user("user_id", "i32"), "another type"),
        (
            user("user_id", "Uuid") + &user("author_id", "Uuid"),
            "`user_id` and `author_id` both name a user",
        ),
        (format!("{ID}pub user_id: Uuid"), "refers to no table"),
        (format!("{ID}pub created_by: String"), "it names no owner"),
        (
            format!(
                "#[sea_orm(primary_key)] pub team_id: i32, #[sea_orm(primary_key)] {}",
                user("user_id", "Uuid")
            ),
            "looks like memberships",
        ),
        (
            belongs("task_id", "Option<i32>", "task"),
            "`task_id` may be NULL",
        ),
        (
            belongs("tag_id", "i32", "tag"),
            "belongs to `tag`: decide that first",
        ),
        (
            belongs("other_id", "i32", "other"),
            "`other`, which is no entity here",
        ),
        (
            belongs("task_id", "i32", "task") + &belongs("other", "i32", "task"),
            "several tables that users own",
        ),
    ] {
        let text = format!("{}{task}{tag}", thing(&fields));
        let decision = decided(&text);
        assert!(
            matches!(&decision, Decision::Ask(text) if text.contains(asked)),
            "{fields}: {decision:?}"
        );
    }
}

#[test]
fn users_are_named_if_their_table_is_not_clear() {
    let text = format!("{USER}{}", module("account", ID));
    let entities = entity::read(Path::new("src/lib.rs"), &text, 0).unwrap();

    let asks = decide(&entities, None).unwrap();
    assert!(
        asks.iter()
            .all(|decision| matches!(decision, Decision::Ask(_)))
    );
    let named = decide(&entities, Some("account")).unwrap();
    assert_eq!(named[1], Decision::Derive("identity".to_owned()));
    assert!(matches!(
        decide(&entities, Some("people")),
        Err(InitError::NoUsers { .. })
    ));
}

#[test]
fn tables_of_migrations_are_not_asked_about() {
    let text = format!("{USER}{}", module("rls_audit", ID));
    let entities = entity::read(Path::new("src/lib.rs"), &text, 0).unwrap();
    assert_eq!(decide(&entities, None).unwrap()[1], Decision::Declared);
}
