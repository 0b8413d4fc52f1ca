use std::collections::BTreeMap;

use crate::name::Identifier;

/// A change of a domain that carries a part of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DomainChange {
    /// Create the domain.
    Create {
        /// The domain.
        definition: DomainDefinition,
    },
    /// Drop the domain.
    Drop {
        /// The domain.
        definition: DomainDefinition,
    },
    /// Replace what the domain says of its values. It keeps its OID, so that services which run
    /// meanwhile go on using it.
    Alter {
        /// The domain as it is desired.
        definition: DomainDefinition,
        /// The domain as the server prints it.
        was: DomainDefinition,
    },
    /// Make the login that migrates the domain's owner.
    Own,
}

/// What a domain says of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DomainDefinition {
    /// The type of the values.
    pub base: String,
    /// The default, if there is one.
    pub default: Option<String>,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// The constraints, each as `CHECK (…)`.
    pub checks: BTreeMap<Identifier, String>,
}

impl DomainChange {
    pub(super) fn reverse(&self) -> Option<Self> {
        match self.clone() {
            Self::Create { definition } => Some(Self::Drop { definition }),
            Self::Drop { definition } => Some(Self::Create { definition }),
            Self::Alter { definition, was } => Some(Self::Alter {
                definition: was,
                was: definition,
            }),
            Self::Own => None,
        }
    }
}
