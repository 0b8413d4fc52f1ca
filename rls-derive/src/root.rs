//! The crate with which the paths of an expansion begin.

use syn::{Path, parse_quote};

/// The crate from which the macro was imported. The paths of its expansion begin with it.
#[derive(Clone, Copy)]
pub(crate) enum Root {
    Core,
    Facade,
}

impl Root {
    /// The path of the crate, or that of `crate = …`.
    pub(crate) fn path(self, given: Option<&Path>) -> Path {
        match (given, self) {
            (Some(path), _) => path.clone(),
            (None, Self::Core) => parse_quote!(::rls_core),
            (None, Self::Facade) => parse_quote!(::sea_orm_rls),
        }
    }
}
