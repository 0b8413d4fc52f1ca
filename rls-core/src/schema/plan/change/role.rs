use std::fmt;

use crate::name::Identifier;

/// A change of a role.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RoleChange {
    /// Create a role that logs in.
    Create {
        /// The password's SCRAM verifier.
        verifier: Option<Verifier>,
    },
    /// Give a role the attributes it lacks.
    Alter {
        /// The attributes, as `CREATE ROLE` spells them.
        attributes: Vec<&'static str>,
        /// The password's SCRAM verifier.
        verifier: Option<Verifier>,
    },
    /// End a membership between the two roles.
    RevokeMembership {
        /// The member.
        member: Identifier,
        /// The role that granted the membership. Since PostgreSQL 16, `REVOKE` takes away only what
        /// the named role granted.
        grantor: Option<Identifier>,
    },
    /// Let a member no longer use the role's privileges without `SET ROLE`. Since PostgreSQL 16
    /// this is an option of the membership, and no attribute of the member.
    EndInheritance {
        /// The member.
        member: Identifier,
        /// The role that granted the membership.
        grantor: Identifier,
    },
}

/// A password as PostgreSQL stores it; shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier(pub(crate) String);

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
