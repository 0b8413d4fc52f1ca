//! What `#[derive(UserScoped)]` refuses, and the place of each error.

use proc_macro2::TokenStream;

use super::{assert_errors_of, compile_errors, errors_of, file, tokens};
use crate::derive::Derive;
use crate::expand::expand;

/// `#[user_scoped(…)]` on a model with an `id`, an `owner_id` and a `created_at`.
fn model(attribute: &str) -> String {
    format!(
        "#[user_scoped({attribute})] struct Model {{ id: Uuid, owner_id: Uuid, created_at: \
         DateTimeUtc }}"
    )
}

#[track_caller]
fn assert_errors(attribute: &str, expected: &[(&str, &str)]) {
    assert_errors_of(Derive::UserScoped, &model(attribute), expected);
}

const KEYS: &str = "expected one of `admin`, `backfill`, `bind`, `crate`, `distribute`, `grant`, `identity`, `index`, \
                    `no_default`, `no_foreign_key`, `on_delete`, `owner`, `policies`, `read`, \
                    `setting`, `soft_delete`, `table_only`, `to`, `user`, `via`";

#[test]
fn unknown_key_is_told_with_what_was_meant() {
    assert_errors(
        "ownr = \"x\"",
        &[(
            "ownr",
            &format!("unknown key `ownr`, {KEYS}; did you mean `owner`?"),
        )],
    );
    assert_errors(
        "absent",
        &[("absent", &format!("unknown key `absent`, {KEYS}"))],
    );

    assert_errors(
        "a::b",
        &[("a::b", &format!("unknown key `a :: b`, {KEYS}"))],
    );
}

#[test]
fn duplicate_is_told_at_the_second_key() {
    assert_errors(
        "no_default, no_default",
        &[("no_default", "`no_default` is given twice")],
    );
    assert_errors(
        "identity, setting = \"a.b\", setting = 5",
        &[("setting", "`setting` is given twice")],
    );
}

#[test]
fn clash_is_told_at_the_second_key() {
    let identity = |key: &str| {
        format!("`{key}` clashes with `identity`: the rows of an identity own themselves")
    };
    for (key, value) in [
        ("owner", " = \"owner_id\""),
        ("user", " = super::user::Entity"),
        ("on_delete", " = \"cascade\""),
        ("index", "(created_at)"),
        ("no_default", ""),
        ("no_foreign_key", ""),
        ("backfill", " = \"1\""),
    ] {
        assert_errors(&format!("identity, {key}{value}"), &[(key, &identity(key))]);

        let reversed =
            format!("`identity` clashes with `{key}`: the rows of an identity own themselves");

        assert_errors(
            &format!("{key}{value}, identity"),
            &[("identity", &reversed)],
        );
    }

    assert_errors(
        "identity, distribute, setting = \"a.b\", crate = \"c\"",
        &[],
    );
    assert_errors_of(
        Derive::UserScoped,
        "#[user_scoped(via = \"project\", distribute)] struct Model { id: Uuid }",
        &[(
            "distribute",
            "`distribute` clashes with `via`: Citus distributes by a column of the table, and takes no \
             sub-select in a policy",
        )],
    );

    assert_errors(
        "on_delete = \"cascade\", no_foreign_key",
        &[(
            "no_foreign_key",
            "`no_foreign_key` clashes with `on_delete`: the action is the foreign key's",
        )],
    );
}

#[test]
fn value_of_the_wrong_kind_is_told_at_the_value() {
    assert_errors(
        "identity = true",
        &[("= true", "`identity` takes no value")],
    );
    assert_errors("no_default(x)", &[("(x)", "`no_default` takes no value")]);
    assert_errors(
        "setting = 5",
        &[("5", "expected `setting = \"app.user_id\"`")],
    );
    assert_errors(
        "setting(\"a.b\")",
        &[("(\"a.b\")", "expected `setting = \"app.user_id\"`")],
    );
    assert_errors(
        "backfill = x",
        &[("x", "expected `backfill = \"<SQL expression>\"`")],
    );
    assert_errors(
        "owner = a.b",
        &[("a.b", "expected `owner = \"author_id\"`")],
    );
    assert_errors(
        "user = \"not a path\"",
        &[("\"not a path\"", "expected `user = super::user::Entity`")],
    );
    assert_errors(
        "crate = 1",
        &[("1", "expected `crate = \"path::to::crate\"`")],
    );
    assert_errors(
        "index = \"x\"",
        &[("= \"x\"", "expected `index(created_at)`")],
    );
    assert_errors("index(5)", &[("(5)", "expected `index(created_at)`")]);
}

#[test]
fn missing_value_is_told_at_the_key() {
    for (key, usage) in [
        ("backfill", "backfill = \"<SQL expression>\""),
        ("index", "index(created_at)"),
        ("on_delete", "on_delete = \"cascade\""),
        ("owner", "owner = \"author_id\""),
        ("setting", "setting = \"app.user_id\""),
        ("user", "user = super::user::Entity"),
    ] {
        assert_errors(key, &[(key, &format!("expected `{usage}`"))]);
    }

    assert_errors(
        "setting =",
        &[("setting", "expected `setting = \"app.user_id\"`")],
    );
    assert_errors("index()", &[("()", "expected `index(created_at)`")]);
}

#[test]
fn on_delete_never_leaves_a_row_without_its_owner() {
    let actions = "expected one of `cascade`, `restrict`, `no_action`";
    let null = format!("the column is never NULL: {actions}");
    assert_errors("on_delete = \"set_null\"", &[("\"set_null\"", &null)]);
    assert_errors("on_delete = SetNull", &[("SetNull", &null)]);

    let default = format!("the rows would belong to the one who deletes: {actions}");
    assert_errors(
        "on_delete = \"SET DEFAULT\"",
        &[("\"SET DEFAULT\"", &default)],
    );

    assert_errors(
        "on_delete = \"vanish\"",
        &[("\"vanish\"", &format!("unknown action: {actions}"))],
    );
}

#[test]
fn setting_has_a_name_that_postgresql_takes() {
    for name in ["app.user_id", "a.b.c", "_a._1$", "app.x$y"] {
        assert_errors(&format!("setting = {name:?}"), &[]);
    }

    let long = format!("app.{}", "x".repeat(60));

    for name in [
        "user_id", "", ".", "app.", ".app", "app..x", "app.1x", "1app.x", "app.$x", "app.ü",
        "app.a b", &long,
    ] {
        let found = errors_of(Derive::UserScoped, &model(&format!("setting = {name:?}")));
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].0, format!("{name:?}"));

        assert!(
            found[0]
                .1
                .starts_with("a setting is two or more names joined by dots"),
            "{}",
            found[0].1
        );
    }
}

#[test]
fn owner_has_a_name_that_postgresql_keeps() {
    let message = "a column's name has 1 to 63 bytes and no NUL";
    assert_errors("owner = \"\"", &[("\"\"", message)]);
    let long = format!("{:?}", "x".repeat(64));

    assert_errors(&format!("owner = {long}"), &[(&long, message)]);
}

#[test]
fn index_names_fields_once_and_not_the_owner() {
    assert_errors(
        "index(create_at, \"nothing\", created_at, owner_id, created_at)",
        &[
            (
                "create_at",
                "`Model` has no field `create_at`; did you mean `created_at`?",
            ),
            ("\"nothing\"", "`Model` has no field `nothing`"),
            ("owner_id", "the index leads with `owner_id` already"),
            ("created_at", "`created_at` is in the index twice"),
        ],
    );
}

#[test]
fn user_is_another_entity() {
    let message =
        "an entity cannot be the user of its own rows; say `identity` if its rows are the users";
    assert_errors("user = Entity", &[("Entity", message)]);

    assert_errors(
        "to = \"id\"",
        &[("\"id\"", "`to` names the key of `user`, which is not given")],
    );
}

#[test]
fn backfill_is_an_expression() {
    assert_errors(
        "backfill = \" \"",
        &[(
            "\" \"",
            "expected an SQL expression that gives existing rows their owner",
        )],
    );
}

#[test]
fn attribute_without_parentheses_is_an_error() {
    for (input, at) in [
        ("#[user_scoped]", "user_scoped"),
        ("#[user_scoped = \"x\"]", "user_scoped = \"x\""),
    ] {
        let input = format!("{input} struct Model {{ id: Uuid }}");
        assert_errors_of(
            Derive::UserScoped,
            &input,
            &[(at, "expected `#[user_scoped(…)]`")],
        );
    }
}

#[test]
fn derive_belongs_on_a_model() {
    let message =
        "`UserScoped` belongs on a SeaORM `Model`: a struct with named fields called `Model`";
    for (input, at) in [
        ("struct Task { owner_id: Uuid }", "Task"),
        ("struct Model(Uuid);", "Model"),
        ("struct Model;", "Model"),
        ("enum Model { A }", "Model"),
    ] {
        assert_errors_of(Derive::UserScoped, input, &[(at, message)]);
    }
}

#[test]
fn mistakes_are_told_at_once_beside_one_implementation() {
    let input = "#[user_scoped(a, b, setting = 1)] #[user_scoped(index)] struct Model { id: Uuid }";
    let expansion = expand(Derive::UserScoped, tokens(input));
    assert_eq!(compile_errors(expansion.clone()).len(), 4);

    // The fourth and fifth are the two implementations.
    assert_eq!(file(expansion).items.len(), 6);
}

/// FAULTS A2: a second column was made beside the one that names the user.
#[test]
fn column_beside_the_one_that_names_the_user_is_an_error() {
    const TABLE_ONLY: &str = "for a column that the table alone has, say `table_only`";
    let found = |derive, attribute: &str, fields: &str| {
        let source = format!("#[{attribute}] struct Model {{ id: Uuid, {fields} }}");
        errors_of(derive, &source)
    };
    let user = |attribute: &str, fields: &str| found(Derive::UserScoped, attribute, fields);
    let tenant = |attribute: &str, fields: &str| found(Derive::TenantScoped, attribute, fields);
    let told = |column: &str, meant: &str| {
        format!("`Model` has no field `{column}`; did you mean `{meant}`? {TABLE_ONLY}")
    };

    for (errors, message) in [
        (
            user("doc", "user_id: Uuid"),
            told("owner_id", "owner = \"user_id\""),
        ),
        (
            user(
                "user_scoped(user = super::customer::Entity)",
                "customer_id: i32",
            ),
            told("owner_id", "owner = \"customer_id\""),
        ),
        (
            user("user_scoped(owner = \"authr_id\")", "author_id: Uuid"),
            told("authr_id", "author_id"),
        ),
        (
            tenant("doc", "org_id: Uuid"),
            told("tenant_id", "column = \"org_id\""),
        ),
        (
            tenant("tenant_scoped(column = \"compny_id\")", "company_id: Uuid"),
            told("compny_id", "company_id"),
        ),
    ] {
        let [(_, found)] = errors.as_slice() else {
            panic!("{message}: {errors:?}")
        };
        assert_eq!(*found, message);
    }

    for errors in [
        user("user_scoped(table_only)", "user_id: Uuid"),
        user("doc", "owner_id: Uuid, user_id: Uuid"),
        user("doc", "order_id: Uuid"),
        user("user_scoped(owner = \"maker\")", "author_id: Uuid"),
        user("user_scoped(via = \"task\")", "user_id: Uuid"),
        user("user_scoped(identity)", "user_id: Uuid"),
        tenant("tenant_scoped(table_only)", "org_id: Uuid"),
    ] {
        assert_eq!(errors, []);
    }

    let model = |attribute: &str, fields: &str| {
        let source = format!(
            "#[derive(DeriveEntityModel, UserScoped)] #[{attribute}] struct Model {{ id: Uuid, \
             {fields} }}"
        );
        let expanded = crate::model::expand(&TokenStream::new(), &tokens(&source), None);
        compile_errors(expanded)
    };
    assert!(
        model("doc", "user_id: Uuid")[0]
            .1
            .contains("did you mean `owner = \"user_id\"`?")
    );
    assert_eq!(model("doc", "user_id: Uuid, owner_id: Uuid"), []);
    assert_eq!(model("user_scoped(table_only)", "user_id: Uuid"), []);
}
