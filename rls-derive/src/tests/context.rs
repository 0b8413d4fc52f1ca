//! What `#[derive(RlsContext)]` expands to, what it refuses, and the place of each error.

use super::{compile_errors, expansions, file, tokens};
use crate::context::derive;

expansions! {
    "context", derive;

    settings: r#"
struct Member {
    #[setting("app.user_id")] user: Uuid,
    #[setting("App.Type")] r#type: Option<String>,
    #[setting(skip)] request: u64,
}"#

    generics: r#"
pub struct Member<'a, T: Clone = i64, const N: usize = 2> where T: Copy {
    #[setting("app.user_id")] pub user: T,
    #[setting("app.team_ids")] teams: &'a [Option<T>],
    #[setting("app.roles")] roles: [i64; N],
}"#

    crate_path: r#"
#[rls_context(crate = "my::rls")]
struct Member { #[setting("app.user_id")] user: Uuid }"#

    mistakes: r#"
struct Member<'a, T> { user: &'a T, #[setting("tenant")] tenant: i32 }"#
}

/// The errors for the fields of a struct `Member`.
fn errors(fields: &str) -> Vec<(String, String)> {
    compile_errors(derive(tokens(&format!("struct Member {{ {fields} }}"))))
}

#[track_caller]
fn assert_errors(fields: &str, expected: &[(&str, &str)]) {
    let found = errors(fields);
    let found: Vec<_> = found
        .iter()
        .map(|(at, message)| (at.as_str(), message.as_str()))
        .collect();
    assert_eq!(found, expected, "{fields}");
}

const USAGE: &str = "expected `#[setting(\"app.tenant_id\")]` or `#[setting(skip)]`";

#[test]
fn field_without_setting_is_told_what_to_write() {
    let message = |field: &str, name: &str| {
        format!(
            "`{field}` names no setting: write `#[setting(\"{name}\")]`, or `#[setting(skip)]` to \
             leave the field out"
        )
    };

    assert_errors(
        "tenant_id: i32",
        &[("tenant_id", &message("tenant_id", "app.tenant_id"))],
    );
    assert_errors("r#type: i32", &[("r#type", &message("r#type", "app.type"))]);
    assert_errors("größe: i32", &[("größe", &message("größe", "app.user_id"))]);
}

#[test]
fn setting_has_a_name_that_postgresql_takes() {
    for name in ["app.user_id", "a.b.c", "_a._1$", "App.x$y"] {
        assert_errors(&format!("#[setting({name:?})] user: i32"), &[]);
    }

    let long = format!("app.{}", "x".repeat(60));

    for name in [
        "user_id", "", ".", "app.", ".app", "app..x", "app.1x", "app.$x", "app.ü", "app.a b", &long,
    ] {
        let found = errors(&format!("#[setting({name:?})] user: i32"));
        assert_eq!(
            found,
            [(format!("{name:?}"), crate::setting::RULE.to_owned())]
        );
    }
}

#[test]
fn same_setting_is_told_at_the_second_field() {
    assert_errors(
        "#[setting(\"app.user_id\")] user: i32, #[setting(\"App.User_Id\")] r#as: i32",
        &[("\"App.User_Id\"", "`user` sets `app.user_id` already")],
    );
}

#[test]
fn second_attribute_is_an_error() {
    let message = "`user` has a `#[setting(…)]` already: one field is one setting";
    assert_errors(
        "#[setting(\"a.b\")] #[setting(skip)] user: i32",
        &[("setting(skip)", message)],
    );
}

#[test]
fn unknown_word_is_told_with_what_was_meant() {
    let unknown = |word: &str, hint: &str| format!("unknown word `{word}`, {USAGE}{hint}");
    assert_errors(
        "#[setting(skp)] user: i32",
        &[("skp", &unknown("skp", "; did you mean `skip`?"))],
    );

    assert_errors(
        "#[setting(optional)] user: i32",
        &[("optional", &unknown("optional", ""))],
    );
}

#[test]
fn value_of_the_wrong_kind_is_told_at_the_value() {
    for (attribute, at) in [
        ("setting", "setting"),
        ("setting()", "setting()"),
        ("setting = \"a.b\"", "setting = \"a.b\""),
        ("setting(app.user_id)", "app.user_id"),
        ("setting(name = \"a.b\")", "name = \"a.b\""),
        ("setting(5)", "5"),
        ("setting(\"a.b\", skip)", ", skip"),
        ("setting(skip, \"a.b\")", ", \"a.b\""),
    ] {
        assert_errors(&format!("#[{attribute}] user: i32"), &[(at, USAGE)]);
    }
}

#[test]
fn context_that_sets_nothing_is_an_error() {
    let message = "`Member` sets nothing, so it would reach no row: name a setting by \
                   `#[setting(\"app.user_id\")]` on a field";
    assert_errors("", &[("Member", message)]);
    assert_errors("#[setting(skip)] request: u64", &[("Member", message)]);
}

#[test]
fn attributes_stand_where_they_belong() {
    assert_errors(
        "#[rls_context(crate = \"x\")] #[setting(\"a.b\")] user: i32",
        &[(
            "rls_context(crate = \"x\")",
            "`#[rls_context(…)]` belongs on the struct",
        )],
    );

    let on_struct = "#[setting(\"a.b\")] struct Member { #[setting(\"a.b\")] user: i32 }";
    let found = compile_errors(derive(tokens(on_struct)));

    assert_eq!(
        found,
        [(
            "setting(\"a.b\")".to_owned(),
            "`#[setting(…)]` belongs on a field".to_owned()
        )]
    );
}

#[test]
fn key_of_the_struct_is_crate() {
    for (attribute, at, message) in [
        ("rls_context", "rls_context", "expected `#[rls_context(…)]`"),
        (
            "rls_context(crte = \"x\")",
            "crte",
            "unknown key `crte`, expected `crate`; did you mean `crate`?",
        ),
        (
            "rls_context(a::b)",
            "a::b",
            "unknown key `a :: b`, expected `crate`",
        ),
        (
            "rls_context(crate)",
            "crate",
            "expected `crate = \"path::to::crate\"`",
        ),
        (
            "rls_context(crate = a, crate = b)",
            "crate",
            "`crate` is given twice",
        ),
    ] {
        let input = format!("#[{attribute}] struct Member {{ #[setting(\"a.b\")] user: i32 }}");
        let found = compile_errors(derive(tokens(&input)));
        assert_eq!(found, [(at.to_owned(), message.to_owned())], "{attribute}");
    }
}

#[test]
fn derive_belongs_on_a_struct_with_named_fields() {
    let message = "`RlsContext` belongs on a struct with named fields, each a setting";
    for input in [
        "struct Member(Uuid);",
        "struct Member;",
        "enum Member { A }",
        "union Member { a: i32 }",
    ] {
        let found = compile_errors(derive(tokens(input)));
        assert_eq!(
            found,
            [("Member".to_owned(), message.to_owned())],
            "{input}"
        );
    }
}

#[test]
fn mistakes_are_told_at_once_beside_both_implementations() {
    let input = "#[rls_context(x)] struct Member { user: i32, #[setting(\"a\")] a: i32, \
                 #[setting(skp)] b: i32 }";
    let expansion = derive(tokens(input));
    assert_eq!(compile_errors(expansion.clone()).len(), 4);
    assert_eq!(file(expansion).items.len(), 6);
}
