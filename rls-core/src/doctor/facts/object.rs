use super::{Grantee, Oid};
use crate::name::Identifier;

/// A function of one's own that a policy calls, by name or as an operator's.
#[derive(Debug)]
pub(in crate::doctor) struct Call {
    pub(in crate::doctor) relation: Oid,
    pub(in crate::doctor) policy: Identifier,
    /// With schema and arguments, as `regprocedure` prints it.
    pub(in crate::doctor) function: String,
    /// `provolatile`.
    pub(in crate::doctor) volatility: char,
    /// Whether what it says may be another the next time: it takes no arguments, or its text asks
    /// for settings, roles or tables.
    pub(in crate::doctor) varies: bool,
}

/// A `SECURITY DEFINER` function that the application's role may call.
#[derive(Debug)]
pub(in crate::doctor) struct Definer {
    /// With schema and arguments, as `regprocedure` prints it.
    pub(in crate::doctor) function: String,
    pub(in crate::doctor) schema: Identifier,
    pub(in crate::doctor) owner: Oid,
    pub(in crate::doctor) owner_name: Identifier,
    pub(in crate::doctor) owner_bypasses: bool,
    /// Whether the names in it are looked up where its caller can put nothing.
    pub(in crate::doctor) fixed_path: bool,
    pub(in crate::doctor) grantee: Grantee,
}

/// A publication with a registered table, or a relative of one, in it.
#[derive(Debug)]
pub(in crate::doctor) struct Publication {
    pub(in crate::doctor) name: Identifier,
    pub(in crate::doctor) relation: Oid,
    /// Whether the table is named in it, and not taken in with all others.
    pub(in crate::doctor) named: bool,
}

/// A rewrite rule that is no view's.
#[derive(Debug)]
pub(in crate::doctor) struct Rewrite {
    pub(in crate::doctor) relation: Oid,
    pub(in crate::doctor) name: Identifier,
}

/// A trigger on a registered or an audit's table, or one elsewhere that runs as its function's
/// owner.
#[derive(Debug)]
pub(in crate::doctor) struct TriggerFact {
    pub(in crate::doctor) relation: Oid,
    pub(in crate::doctor) name: Identifier,
    pub(in crate::doctor) function: String,
    pub(in crate::doctor) schema: Identifier,
    /// Whether the function is `SECURITY DEFINER`.
    pub(in crate::doctor) definer: bool,
    pub(in crate::doctor) owner: Oid,
    pub(in crate::doctor) owner_name: Identifier,
    pub(in crate::doctor) owner_bypasses: bool,
    /// Whether the names in it are looked up where its caller can put nothing.
    pub(in crate::doctor) fixed_path: bool,
}

/// A setting that a role or database brings along.
#[derive(Debug)]
pub(in crate::doctor) struct RoleSetting {
    /// `None` for every role.
    pub(in crate::doctor) role: Option<Identifier>,
    /// Whether it is for this database alone.
    pub(in crate::doctor) here: bool,
    pub(in crate::doctor) setting: String,
    /// What `search_path` is set to; `None` for other settings.
    pub(in crate::doctor) path: Option<String>,
}

/// A temporary relation.
#[derive(Debug)]
pub(in crate::doctor) struct Temporary {
    pub(in crate::doctor) schema: Identifier,
    pub(in crate::doctor) name: Identifier,
    pub(in crate::doctor) is_view: bool,
}
