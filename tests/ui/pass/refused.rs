//! What compiles, and the registry refuses: what only the other tables, or SeaORM's columns, can tell.

mod bind;
mod marked;
mod policies;
mod tables;
mod via;

use sea_orm_rls::Registry;
use sea_orm_rls::error::DeclarationError;

/// The error, and that its message says what to do.
#[track_caller]
fn refused(registry: Result<Registry, DeclarationError>, message: &str) -> DeclarationError {
    let error = registry.unwrap_err();
    assert_eq!(error.to_string(), message);
    error
}

pub(crate) fn main() {
    bind::main();
    marked::main();
    policies::main();
    tables::main();
    via::main();
}
