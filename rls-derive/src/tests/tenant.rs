//! What `#[derive(TenantScoped)]` expands to, and what it refuses.

use super::{assert_errors_of, expansions};
use crate::derive::Derive;
use crate::expand::expand;

expansions! {
    "tenant", |input| expand(Derive::TenantScoped, input);

    declared_field: "
struct Model { id: Uuid, tenant_id: Uuid }"

    identity: "
#[tenant_scoped(identity)]
struct Model { id: Uuid }"

    via: "
#[tenant_scoped(via = project)]
struct Model { id: Uuid, project_id: Uuid }"

    all_keys: r#"
#[tenant_scoped(column = "account_id", setting = "app.account_id", tenant = super::account::Entity)]
#[tenant_scoped(on_delete = "restrict", index(created_at), no_default, backfill = "1", crate = my::rls)]
#[tenant_scoped(read = is_public, soft_delete = deleted_at, grant(select), policies = open)]
struct Model { id: i64, account_id: i64, created_at: i64, is_public: bool, deleted_at: Option<DateTimeUtc> }"#

    beside_user_scoped: r#"
#[user_scoped(owner = "author_id", index(title))]
#[tenant_scoped(no_foreign_key)]
struct Model { id: Uuid, author_id: Uuid, title: String }"#

    mistakes: r#"
#[tenant_scoped(owner = "tenant_id")]
struct Model { id: Uuid }"#
}

#[test]
fn setting_of_tenants_is_shown_as_one() {
    let input = "#[tenant_scoped(setting)] struct Model { id: Uuid }";
    assert_errors_of(
        Derive::TenantScoped,
        input,
        &[("setting", "expected `setting = \"app.tenant_id\"`")],
    );
}

#[test]
fn tenant_is_another_entity() {
    let input = "#[tenant_scoped(tenant = Entity)] struct Model { id: Uuid }";
    let message = "an entity cannot be the tenant of its own rows; say `identity` if its rows \
                   are the tenants";
    assert_errors_of(Derive::TenantScoped, input, &[("Entity", message)]);
}
