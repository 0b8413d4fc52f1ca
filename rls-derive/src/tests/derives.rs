//! What each derive refuses beside what `UserScoped` does.

use super::{assert_errors_of, tokens};
use crate::derive::Derive;
use crate::expand::expand;

#[test]
fn word_of_another_derive_is_told_to_be_its() {
    let here = |key: &str, homes: &str, word: &str| {
        format!("`{key}` belongs to {homes}; here it is `{word}`")
    };
    let input = "#[tenant_scoped(owner = a, user = b::C, to = id)] struct Model { id: Uuid }";
    let keys = "`admin`, `backfill`, `bind`, `column`, `crate`, `distribute`, `grant`, `identity`, `index`, `no_default`, \
                `no_foreign_key`, `on_delete`, `policies`, `read`, `setting`, `soft_delete`, \
                `table_only`, `tenant`, `via`";

    assert_errors_of(
        Derive::TenantScoped,
        input,
        &[
            ("owner", &here("owner", "`user_scoped`", "column")),
            ("user", &here("user", "`user_scoped`", "tenant")),
            (
                "to",
                &format!("`to` belongs to `user_scoped`; expected one of {keys}"),
            ),
        ],
    );

    let input = "#[user_scoped(column = a, tenant = b::C)] struct Model { id: Uuid }";
    assert_errors_of(
        Derive::UserScoped,
        input,
        &[
            ("column", &here("column", "`tenant_scoped`", "owner")),
            ("tenant", &here("tenant", "`tenant_scoped`", "user")),
        ],
    );

    let input = "#[rls_policies(policies = a, read = b)] struct Model { id: Uuid }";
    let message = "`read` belongs to `user_scoped`, `tenant_scoped`; expected one of `admin`, \
                   `crate`, `grant`, `policies`";
    assert_errors_of(Derive::RlsPolicies, input, &[("read", message)]);

    let input = "#[unscoped(reason = \"why\", resaon = \"why\")] struct Model { id: Uuid }";
    let message = "unknown key `resaon`, expected one of `admin`, `crate`, `distribute`, `grant`, `reason`; did you \
                   mean `reason`?";
    assert_errors_of(Derive::Unscoped, input, &[("resaon", message)]);
}

#[test]
fn each_derive_reads_its_own_attribute() {
    let input = "#[user_scoped(a)] #[tenant_scoped(b)] #[rls_policies(c)] #[unscoped(d)] struct \
                 Model { id: Uuid }";
    for (derive, key) in [(Derive::UserScoped, "a"), (Derive::TenantScoped, "b")] {
        let expansion = expand(derive, tokens(input)).to_string();
        assert_eq!(expansion.matches("compile_error").count(), 1);
        assert!(
            expansion.contains(&format!("unknown key `{key}`")),
            "{expansion}"
        );
    }
}

#[test]
fn derive_belongs_on_a_model() {
    for derive in Derive::ALL {
        let name = derive.name();
        let message = format!(
            "`{name}` belongs on a SeaORM `Model`: a struct with named fields called `Model`"
        );
        assert_errors_of(derive, "struct Task { id: Uuid }", &[("Task", &message)]);
    }
}
