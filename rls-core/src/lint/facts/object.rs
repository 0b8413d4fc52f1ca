use super::{Grantee, Oid};
use crate::name::Identifier;

/// A `SECURITY DEFINER` function that the application's role may call.
#[derive(Debug)]
pub(in crate::lint) struct Definer {
    /// With schema and arguments, as `regprocedure` prints it.
    pub(in crate::lint) function: String,
    pub(in crate::lint) schema: Identifier,
    pub(in crate::lint) owner: Oid,
    pub(in crate::lint) owner_name: Identifier,
    pub(in crate::lint) owner_bypasses: bool,
    pub(in crate::lint) has_search_path: bool,
    pub(in crate::lint) grantee: Grantee,
}

/// A publication with a registered table in it.
#[derive(Debug)]
pub(in crate::lint) struct Publication {
    pub(in crate::lint) name: Identifier,
    pub(in crate::lint) relation: Oid,
    /// Whether the table is named in it, and not taken in with all others.
    pub(in crate::lint) named: bool,
}

/// A rewrite rule on a registered table.
#[derive(Debug)]
pub(in crate::lint) struct Rewrite {
    pub(in crate::lint) relation: Oid,
    pub(in crate::lint) name: Identifier,
}

/// A trigger on a registered table whose function is `SECURITY DEFINER`.
#[derive(Debug)]
pub(in crate::lint) struct TriggerFact {
    pub(in crate::lint) relation: Oid,
    pub(in crate::lint) name: Identifier,
    pub(in crate::lint) function: String,
    pub(in crate::lint) owner: Oid,
    pub(in crate::lint) owner_name: Identifier,
    pub(in crate::lint) owner_bypasses: bool,
}

/// A setting that a role or database brings along.
#[derive(Debug)]
pub(in crate::lint) struct RoleSetting {
    /// `None` for every role.
    pub(in crate::lint) role: Option<Identifier>,
    /// Whether it is for this database alone.
    pub(in crate::lint) here: bool,
    pub(in crate::lint) setting: String,
}
