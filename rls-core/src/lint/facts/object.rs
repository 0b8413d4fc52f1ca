use super::{Grantee, Oid};
use crate::name::Identifier;

/// A function of one's own that a policy calls, by name or as an operator's.
#[derive(Debug)]
pub(in crate::lint) struct Call {
    pub(in crate::lint) relation: Oid,
    pub(in crate::lint) policy: Identifier,
    /// With schema and arguments, as `regprocedure` prints it.
    pub(in crate::lint) function: String,
    /// `provolatile`.
    pub(in crate::lint) volatility: char,
    /// Whether what it says may be another the next time: it takes no arguments, or its text asks
    /// for settings, roles or tables.
    pub(in crate::lint) varies: bool,
}

/// A `SECURITY DEFINER` function that the application's role may call.
#[derive(Debug)]
pub(in crate::lint) struct Definer {
    /// With schema and arguments, as `regprocedure` prints it.
    pub(in crate::lint) function: String,
    pub(in crate::lint) schema: Identifier,
    pub(in crate::lint) owner: Oid,
    pub(in crate::lint) owner_name: Identifier,
    pub(in crate::lint) owner_bypasses: bool,
    /// Whether the names in it are looked up where its caller can put nothing.
    pub(in crate::lint) fixed_path: bool,
    pub(in crate::lint) grantee: Grantee,
}

/// A publication with a registered table, or a relative of one, in it.
#[derive(Debug)]
pub(in crate::lint) struct Publication {
    pub(in crate::lint) name: Identifier,
    pub(in crate::lint) relation: Oid,
    /// Whether the table is named in it, and not taken in with all others.
    pub(in crate::lint) named: bool,
}

/// A rewrite rule that is no view's.
#[derive(Debug)]
pub(in crate::lint) struct Rewrite {
    pub(in crate::lint) relation: Oid,
    pub(in crate::lint) name: Identifier,
}

/// A trigger on a registered or an audit's table, or one elsewhere that runs as its function's
/// owner.
#[derive(Debug)]
pub(in crate::lint) struct TriggerFact {
    pub(in crate::lint) relation: Oid,
    pub(in crate::lint) name: Identifier,
    pub(in crate::lint) function: String,
    pub(in crate::lint) schema: Identifier,
    /// Whether the function is `SECURITY DEFINER`.
    pub(in crate::lint) definer: bool,
    pub(in crate::lint) owner: Oid,
    pub(in crate::lint) owner_name: Identifier,
    pub(in crate::lint) owner_bypasses: bool,
    /// Whether the names in it are looked up where its caller can put nothing.
    pub(in crate::lint) fixed_path: bool,
}

/// A setting that a role or database brings along.
#[derive(Debug)]
pub(in crate::lint) struct RoleSetting {
    /// `None` for every role.
    pub(in crate::lint) role: Option<Identifier>,
    /// Whether it is for this database alone.
    pub(in crate::lint) here: bool,
    pub(in crate::lint) setting: String,
    /// What `search_path` is set to; `None` for other settings.
    pub(in crate::lint) path: Option<String>,
}

/// A temporary relation.
#[derive(Debug)]
pub(in crate::lint) struct Temporary {
    pub(in crate::lint) schema: Identifier,
    pub(in crate::lint) name: Identifier,
    pub(in crate::lint) is_view: bool,
}
