use std::collections::BTreeSet;

use crate::model::privilege::Privilege;
use crate::name::Identifier;

/// A change of the privileges on a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrivilegeChange {
    /// Grant privileges on the table.
    Grant {
        /// The role that gets them.
        role: Identifier,
        /// The privileges.
        privileges: BTreeSet<Privilege>,
    },
    /// Grant on the whole table privileges that were limited to columns of it.
    Widen {
        /// The role that gets them.
        role: Identifier,
        /// The privileges.
        privileges: BTreeSet<Privilege>,
    },
    /// Revoke privileges on the table.
    Revoke {
        /// The role that loses them.
        role: Identifier,
        /// The privileges.
        privileges: BTreeSet<Privilege>,
    },
    /// Grant a privilege on columns of the table.
    GrantColumns {
        /// The role that gets it.
        role: Identifier,
        /// The privilege.
        privilege: Privilege,
        /// The columns.
        columns: BTreeSet<Identifier>,
    },
    /// Revoke a privilege on columns of the table.
    RevokeColumns {
        /// The role that loses it.
        role: Identifier,
        /// The privilege.
        privilege: Privilege,
        /// The columns.
        columns: BTreeSet<Identifier>,
    },
}

impl PrivilegeChange {
    pub(super) fn reverse(&self) -> Self {
        match self.clone() {
            Self::Grant { role, privileges } | Self::Widen { role, privileges } => {
                Self::Revoke { role, privileges }
            }
            Self::Revoke { role, privileges } => Self::Grant { role, privileges },
            Self::GrantColumns {
                role,
                privilege,
                columns,
            } => Self::RevokeColumns {
                role,
                privilege,
                columns,
            },
            Self::RevokeColumns {
                role,
                privilege,
                columns,
            } => Self::GrantColumns {
                role,
                privilege,
                columns,
            },
        }
    }

    /// A limit to columns goes: the privilege holds for those too that a later migration adds.
    pub(super) fn weakens(&self) -> Option<&'static str> {
        match self {
            Self::Widen { .. } => Some("a privilege is no longer limited to columns"),
            _ => None,
        }
    }
}
