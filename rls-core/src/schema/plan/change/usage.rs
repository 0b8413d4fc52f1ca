use crate::name::Identifier;

/// A change of the privilege `USAGE` on a schema or sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageChange {
    /// Grant `USAGE`.
    Grant {
        /// The role that gets it.
        role: Identifier,
    },
    /// Revoke `USAGE`.
    Revoke {
        /// The role that loses it.
        role: Identifier,
    },
}

impl UsageChange {
    pub(super) fn reverse(&self) -> Self {
        match self.clone() {
            Self::Grant { role } => Self::Revoke { role },
            Self::Revoke { role } => Self::Grant { role },
        }
    }
}
