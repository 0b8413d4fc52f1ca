//! What the keys of rows refuse: `via`, `read`, `soft_delete`, `grant`, `policies`.

use super::assert_errors_of;
use crate::derive::Derive;

#[track_caller]
fn assert_errors(attribute: &str, expected: &[(&str, &str)]) {
    let fields = "id: Uuid, is_public: bool, flag: Flag, maybe: Option<bool>, count: i32, \
                  deleted_at: Option<DateTimeUtc>";
    for (derive, name) in [
        (Derive::UserScoped, "user_scoped"),
        (Derive::TenantScoped, "tenant_scoped"),
    ] {
        assert_errors_of(
            derive,
            &format!("#[{name}({attribute})] struct Model {{ {fields} }}"),
            expected,
        );
    }
}

#[test]
fn via_stands_alone() {
    let user = [
        ("owner = a", "owner"),
        ("user = super::user::Entity", "user"),
        ("user = a::B, to = id", "user"),
    ];

    let tenant = [
        ("column = a", "column"),
        ("tenant = super::tenant::Entity", "tenant"),
    ];

    let both = [
        ("on_delete = cascade", "on_delete"),
        ("index(count)", "index"),
        ("no_default", "no_default"),
        ("no_foreign_key", "no_foreign_key"),
        ("backfill = \"1\"", "backfill"),
    ];

    for (derive, keys) in [
        (Derive::UserScoped, &user[..2]),
        (Derive::TenantScoped, &tenant[..]),
    ] {
        for (key, word) in keys.iter().chain(&both) {
            let attribute = derive.attribute();
            let reason = "the rows belong to whom those they refer to belong";
            let input = format!(
                "#[{attribute}(via = project, {key})] struct Model {{ id: Uuid, count: i32 }}"
            );

            assert_errors_of(
                derive,
                &input,
                &[(word, &format!("`{word}` clashes with `via`: {reason}"))],
            );

            let input = format!(
                "#[{attribute}({key}, via = project)] struct Model {{ id: Uuid, count: i32 }}"
            );

            assert_errors_of(
                derive,
                &input,
                &[("via", &format!("`via` clashes with `{word}`: {reason}"))],
            );
        }
    }

    let setting = "`setting` clashes with `via`: the setting is that of the rows referred to";
    assert_errors("via = project, setting = \"a.b\"", &[("setting", setting)]);

    let identity = "`via` clashes with `identity`: the rows of an identity own themselves";
    assert_errors("identity, via = project", &[("via", identity)]);
    assert_errors(
        "via(project, Team), read = is_public, soft_delete = deleted_at, grant(select)",
        &[],
    );
    assert_errors("via = project, policies = a, crate = b", &[]);
}

#[test]
fn via_names_each_relation_once() {
    assert_errors(
        "via(project_a, team, \"ProjectA\")",
        &[("\"ProjectA\"", "`ProjectA` is named twice")],
    );
    for (written, at) in [
        ("via", "via"),
        ("via()", "()"),
        ("via = 5", "5"),
        ("via = (a, b)", "(a, b)"),
    ] {
        assert_errors(written, &[(at, "expected `via = \"project\"`")]);
    }
}

#[test]
fn via_leaves_no_owner_unread() {
    for (derive, key, field) in [
        (Derive::UserScoped, "owner", "owner_id"),
        (Derive::TenantScoped, "column", "tenant_id"),
    ] {
        let attribute = derive.attribute();
        let message = format!(
            "`via` would leave the field `{field}`, the `{key}` by default, unread: drop one of \
             them"
        );

        let input =
            format!("#[{attribute}(via = project)] struct Model {{ id: Uuid, {field}: Uuid }}");
        assert_errors_of(derive, &input, &[("via", &message)]);
    }

    let input = "#[user_scoped(via = project)] struct Model { id: Uuid, tenant_id: Uuid }";
    assert_errors_of(Derive::UserScoped, input, &[]);
}

#[test]
fn read_names_a_boolean_field() {
    let none = |field: &str| {
        format!("`read` needs a `bool`, and `{field}` is none: its rows are for everyone or not")
    };
    assert_errors("read = count", &[("i32", &none("count"))]);
    assert_errors("read = \"maybe\"", &[("Option<bool>", &none("maybe"))]);
    assert_errors(
        "read = \"is_publik\"",
        &[(
            "\"is_publik\"",
            "`Model` has no field `is_publik`; did you mean `is_public`?",
        )],
    );
    assert_errors(
        "read = nothing",
        &[("nothing", "`Model` has no field `nothing`")],
    );
    assert_errors("read", &[("read", "expected `read = \"is_public\"`")]);

    // Only the registry knows the column of a type of the user's own.
    assert_errors("read = flag", &[]);

    let input = "#[user_scoped(read = a)] struct Model { a: (bool, bool) }";
    assert_errors_of(Derive::UserScoped, input, &[("(bool, bool)", &none("a"))]);
}

#[test]
fn soft_delete_names_an_optional_field() {
    let message = "`soft_delete` needs an `Option`: a row that is not deleted has NULL in `count`";
    assert_errors("soft_delete = count", &[("i32", message)]);
    assert_errors(
        "soft_delete = \"delete_at\"",
        &[(
            "\"delete_at\"",
            "`Model` has no field `delete_at`; did you mean `deleted_at`?",
        )],
    );

    let input = "#[user_scoped(soft_delete = a)] struct Model { a: std::option::Option<DateTime> }";
    assert_errors_of(Derive::UserScoped, input, &[]);
}

#[test]
fn grant_lists_what_may_be_done() {
    let expected = "expected one of `select`, `insert`, `update`, `delete`";
    assert_errors(
        "grant(selct, truncate, insert, \"INSERT\")",
        &[
            (
                "selct",
                &format!("unknown privilege `selct`, {expected}; did you mean `select`?"),
            ),
            (
                "truncate",
                &format!("unknown privilege `truncate`, {expected}"),
            ),
            ("\"INSERT\"", "`insert` is granted twice"),
        ],
    );

    for (written, at) in [
        ("grant", "grant"),
        ("grant()", "()"),
        ("grant = select", "= select"),
    ] {
        assert_errors(written, &[(at, "expected `grant(select, insert)`")]);
    }
}

#[test]
fn grant_of_columns_names_fields_that_can_be_limited() {
    let select = "`select` takes no columns: SeaORM selects every column of the model, so each \
                  query would be refused: keep the column in a table of its own";
    let delete = "`delete` takes no columns: a row is deleted with all its columns";
    let missing = "`Model` has no field `tilte`; did you mean `title`?";
    let owner = "a row keeps its `owner_id`: leave it out; with `admin(update(owner_id))` an \
                 administrator may move a row";
    let default = "`no_default` makes every insert name `owner_id`: list it in `insert(…)`";
    let cases: [(&str, &[(&str, &str)]); 11] = [
        ("grant(insert(title, owner_id), update(title))", &[]),
        (
            "grant(select(title), insert(tilte))",
            &[("select", select), ("tilte", missing)],
        ),
        (
            "admin(insert, insert(tilte))",
            &[("insert", "`insert` is granted twice"), ("tilte", missing)],
        ),
        ("admin(insert(title), update(owner_id))", &[]),
        ("grant(select(title))", &[("select", select)]),
        ("grant(delete(title))", &[("delete", delete)]),
        ("admin(update(tilte))", &[("tilte", missing)]),
        ("grant(update(owner_id))", &[("owner_id", owner)]),
        ("no_default, grant(insert(title))", &[("title", default)]),
        (
            "grant(insert(title, title))",
            &[("title", "`title` is named twice")],
        ),
        (
            "grant(insert())",
            &[(
                "insert",
                "expected `insert(title)`, or `insert` for all columns",
            )],
        ),
    ];

    for derive in Derive::ALL {
        // The other two derives know no owner.
        let cases = cases.iter().filter(|(written, _)| {
            derive == Derive::UserScoped
                || !written.contains("owner_id") && !written.contains("no_")
        });

        for (written, expected) in cases {
            let first = match derive {
                Derive::UserScoped | Derive::TenantScoped => "",
                Derive::RlsPolicies => "policies = a, ",
                Derive::Unscoped => "reason = \"why\", ",
            };
            let attribute = derive.attribute();
            let input = format!(
                "#[{attribute}({first}{written})] struct Model {{ id: Uuid, title: String }}"
            );

            assert_errors_of(derive, &input, expected);
        }
    }
}

#[test]
fn policies_are_named_by_the_paths_of_functions() {
    for (written, at) in [
        ("policies", "policies"),
        ("policies()", "()"),
        ("policies = a()", "a()"),
    ] {
        assert_errors(written, &[(at, "expected `policies = path::to::function`")]);
    }

    assert_errors("policies = a, policies(b, c), policies = \"d::e\"", &[]);
}

#[test]
fn bind_names_each_relation_once_and_none_of_via() {
    assert_errors("bind = project, read = is_public", &[]);
    assert_errors("bind(project, Team), identity", &[]);
    assert_errors("via = project, bind = team, soft_delete = deleted_at", &[]);
    assert_errors(
        "bind(project, \"Project\")",
        &[("\"Project\"", "`Project` is named twice")],
    );
    assert_errors(
        "via = project_a, bind = ProjectA",
        &[("ProjectA", "`via` binds `ProjectA` already")],
    );
}
