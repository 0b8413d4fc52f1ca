//! What the macros accept, and what they say of mistakes.
#![allow(
    unreachable_pub,
    unnameable_types,
    reason = "nothing is outside of a test"
)]

#[path = "ui/pass/cases.rs"]
mod pass;

#[test]
fn mistakes_are_told_at_their_place() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
}
