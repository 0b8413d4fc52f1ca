//! Where an expansion begins its paths.

use syn::{Path, parse_quote};

/// Which crate the macro was imported from; its expansion begins its paths there.
#[derive(Clone, Copy)]
pub(crate) enum Root {
    Core,
    Facade,
}

impl Root {
    /// The crate's path, or what `crate = …` says instead.
    pub(crate) fn path(self, given: Option<&Path>) -> Path {
        match (given, self) {
            (Some(path), _) => path.clone(),
            (None, Self::Core) => parse_quote!(::rls_core),
            (None, Self::Facade) => parse_quote!(::sea_orm_rls),
        }
    }
}
