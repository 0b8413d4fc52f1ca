//! What `#[derive(UserScoped)]` expands to, and what holds for every derive of entities.

use super::{expansions, tokens};
use crate::derive::Derive;
use crate::expand::expand;

expansions! {
    "derive", |input| expand(Derive::UserScoped, input);

    identity: r#"
#[user_scoped(identity, setting = "app.actor")]
struct Model { id: Uuid }"#

    declared_field: "
struct Model { id: Uuid, owner_id: Uuid }"

    declared_field_with_user: "
#[user_scoped(user = super::user::Entity)]
struct Model { id: Uuid, owner_id: Uuid }"

    renamed_owner: r#"
#[user_scoped(owner = "author_id")]
struct Model { id: Uuid, author_id: i64 }"#

    raw_owner: "
#[user_scoped(owner = r#type, index(r#match))]
struct Model { id: Uuid, r#type: Uuid, r#match: i32 }"

    no_field: "
struct Model { id: Uuid }"

    no_field_with_user: r#"
#[user_scoped(owner = "author", user = "crate::user::Entity")]
struct Model { id: Uuid }"#

    all_keys: r#"
#[user_scoped(owner = "author_id", setting = "app.actor", user = super::user::Entity, to = "id")]
#[user_scoped(on_delete = "Restrict", index("created_at", title), no_default)]
#[user_scoped(backfill = "(SELECT id FROM users LIMIT 1)", crate = "my::rls")]
pub struct Model { id: Uuid, author_id: Uuid, created_at: i64, title: String }"#

    no_foreign_key: "
#[user_scoped(no_foreign_key, crate = my::rls)]
struct Model { id: Uuid, owner_id: Uuid }"

    via: r#"
#[user_scoped(via = "project")]
struct Model { id: Uuid, project_id: Uuid }"#

    via_several: r#"
#[user_scoped(via(task, "Tag"))]
struct Model { task_id: Uuid, tag_id: Uuid }"#

    read: r#"
#[user_scoped(read = "is_public")]
struct Model { id: Uuid, owner_id: Uuid, is_public: bool }"#

    soft_delete: "
#[user_scoped(soft_delete = deleted_at)]
struct Model { id: Uuid, owner_id: Uuid, deleted_at: Option<DateTimeUtc> }"

    grant: r#"
#[user_scoped(identity, grant(select, "insert"))]
struct Model { id: Uuid }"#

    grant_columns: r#"
#[user_scoped(grant(select, insert(title, "owner_id"), update(r#type)), admin(update(owner_id)))]
struct Model { id: Uuid, title: String, r#type: i32 }"#

    policies: r#"
#[user_scoped(policies = super::policies::open, policies(own::<Entity>, "self::other"))]
struct Model { id: Uuid, owner_id: Uuid }"#

    mistakes: r#"
#[user_scoped(ownr = "author_id", setting = "user_id")]
struct Model { id: Uuid, author_id: Uuid }"#

    enum_called_model: "
enum Model { Task }"
}

#[test]
fn copy_for_model_ex_expands_to_nothing() {
    for derive in Derive::ALL {
        let input = format!(
            "#[{}(ownr = 1)] pub struct ModelEx {{ owner_id: f64 }}",
            derive.attribute()
        );
        assert!(expand(derive, tokens(&input)).is_empty());
    }
}

#[test]
fn on_delete_is_read_in_any_spelling() {
    for (spelling, variant) in [
        ("\"cascade\"", "Cascade"),
        ("Cascade", "Cascade"),
        ("\"RESTRICT\"", "Restrict"),
        ("\"no_action\"", "NoAction"),
        ("\"NO ACTION\"", "NoAction"),
        ("NoAction", "NoAction"),
    ] {
        let input =
            format!("#[user_scoped(on_delete = {spelling})] struct Model {{ owner_id: Uuid }}");
        let expansion = expand(Derive::UserScoped, tokens(&input)).to_string();

        assert!(
            expansion.contains(&format!("OnDelete :: {variant})")),
            "{spelling}: {expansion}"
        );
    }
}
