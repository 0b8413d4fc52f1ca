//! The crate with which the paths of an expansion begin.

use syn::{Path, parse_quote};

/// The path of `crate = …`, or that of the facade.
pub(crate) fn root(given: Option<&Path>) -> Path {
    given
        .cloned()
        .unwrap_or_else(|| parse_quote!(::sea_orm_rls))
}
