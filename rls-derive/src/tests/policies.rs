//! What `#[derive(RlsPolicies)]` expands to, and what it refuses.

use super::{assert_errors_of, expansions};
use crate::derive::Derive;
use crate::expand::expand;

expansions! {
    "policies", |input| expand(Derive::RlsPolicies, input);

    one_function: "
#[rls_policies(policies = super::policies::of)]
struct Model { id: Uuid }"

    several_functions: r#"
#[rls_policies(policies(read, write), policies = "audit", crate = "my::rls")]
struct Model { id: Uuid }"#

    mistakes: "
struct Model { id: Uuid }"
}

#[test]
fn policies_are_required() {
    let message = "`RlsPolicies` needs `#[rls_policies(policies = path::to::function)]`";
    for attribute in ["", "#[rls_policies()]", "#[rls_policies(crate = a)]"] {
        let input = format!("{attribute} struct Model {{ id: Uuid }}");
        assert_errors_of(Derive::RlsPolicies, &input, &[("the macro", message)]);
    }

    let input = "#[rls_policies(policies = 5)] struct Model { id: Uuid }";

    assert_errors_of(
        Derive::RlsPolicies,
        input,
        &[("5", "expected `policies = path::to::function`")],
    );
}
