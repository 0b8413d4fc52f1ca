//! What the macros accept, and what they say of mistakes.
#![allow(
    unreachable_pub,
    unnameable_types,
    reason = "nothing is outside of a test"
)]

use std::env;
use std::process::Command;

#[path = "ui/pass/cases.rs"]
mod pass;

/// trybuild compiles dependencies without the last of these, and then again, with the cases, with
/// it. Flags of the environment take precedence over its own, and are the same both times.
const FLAGS: &str = "--cfg\x1ftrybuild\x1f--verbose\x1f-A\x1fdead_code\x1f--diagnostic-width=140";

#[test]
fn mistakes_are_told_at_their_place() {
    if env::var("CARGO_ENCODED_RUSTFLAGS").as_deref() == Ok(FLAGS) {
        trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
        return;
    }

    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "mistakes_are_told_at_their_place"])
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS)
        .output()
        .unwrap();

    let (out, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );

    assert!(
        output.status.success() && out.contains("1 passed"),
        "{out}{error}"
    );
}
