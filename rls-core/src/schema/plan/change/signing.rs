use crate::name::Identifier;

/// A change of the table of the keys that sign contexts, or of the view that verifies a context.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningChange {
    /// Create the table of the keys, which nobody but its owner reads.
    CreateKeys,
    /// Drop the table, with the keys in it.
    DropKeys,
    /// Take all privileges on the table of the keys from a role.
    CloseKeys {
        /// The role.
        role: Identifier,
    },
    /// Create the view that shows the settings of a verified context.
    CreateVerified,
    /// Drop the view.
    DropVerified,
    /// Replace a view that differs. Its owner and its privileges stay.
    ReplaceVerified {
        /// The view, as the server prints it.
        was: String,
    },
    /// Replace the view by another one, as it was.
    RestoreVerified {
        /// The view, as the server printed it.
        definition: String,
    },
    /// Make the login that migrates the owner.
    Own,
}

impl SigningChange {
    pub(super) fn reverse(&self) -> Option<Self> {
        match self.clone() {
            Self::CreateKeys => Some(Self::DropKeys),
            Self::CreateVerified => Some(Self::DropVerified),
            Self::DropVerified => Some(Self::CreateVerified),
            Self::ReplaceVerified { was } => Some(Self::RestoreVerified { definition: was }),
            Self::RestoreVerified { definition } => Some(Self::ReplaceVerified { was: definition }),
            Self::DropKeys | Self::CloseKeys { .. } | Self::Own => None,
        }
    }
}
