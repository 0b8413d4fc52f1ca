//! What `#[derive(Unscoped)]` expands to, and what it refuses.

use super::{assert_errors_of, expansions};
use crate::derive::Derive;
use crate::expand::expand;

expansions! {
    "unscoped", |input| expand(Derive::Unscoped, input);

    reason: r#"
#[unscoped(reason = "countries are the same for everyone")]
struct Model { id: i32 }"#

    grant: r#"
#[unscoped(reason = "countries are the same for everyone", grant(select), crate = my::rls)]
struct Model { id: i32 }"#

    mistakes: "
#[unscoped(grant(select))]
struct Model { id: i32 }"
}

#[test]
fn reason_is_required_and_says_something() {
    let message = "`Unscoped` needs `#[unscoped(reason = \"the same for everyone\")]`";
    for attribute in ["", "#[unscoped()]", "#[unscoped(grant(select))]"] {
        let input = format!("{attribute} struct Model {{ id: Uuid }}");
        assert_errors_of(Derive::Unscoped, &input, &[("the macro", message)]);
    }

    for blank in ["\"\"", "\" \\n\""] {
        let input = format!("#[unscoped(reason = {blank})] struct Model {{ id: Uuid }}");
        assert_errors_of(
            Derive::Unscoped,
            &input,
            &[(blank, "say why the table needs no row security")],
        );
    }
}
