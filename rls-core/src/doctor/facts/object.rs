use super::{Grantee, Oid};
use crate::name::{Identifier, TableName};

/// A function that a policy calls, by name or through an operator; those of the server and of
/// extensions are not read.
#[derive(Debug)]
pub(in crate::doctor) struct Call {
    pub(in crate::doctor) relation: Oid,
    pub(in crate::doctor) policy: Identifier,
    /// Its name with schema and arguments, as `regprocedure` prints it.
    pub(in crate::doctor) function: String,
    pub(in crate::doctor) owner_name: Identifier,
    /// `provolatile`.
    pub(in crate::doctor) volatility: char,
    /// Whether its result may change between calls: it takes no arguments, or its text reads
    /// settings, roles or tables.
    pub(in crate::doctor) varies: bool,
}

/// A `SECURITY DEFINER` function that the application's role may call.
#[derive(Debug)]
pub(in crate::doctor) struct Definer {
    /// Its name with schema and arguments, as `regprocedure` prints it.
    pub(in crate::doctor) function: String,
    pub(in crate::doctor) schema: Identifier,
    pub(in crate::doctor) owner: Oid,
    pub(in crate::doctor) owner_name: Identifier,
    pub(in crate::doctor) owner_bypasses: bool,
    /// Whether its names are resolved in schemas that its caller cannot choose.
    pub(in crate::doctor) fixed_path: bool,
    /// Itself, or an aggregate that calls it: then its caller needs no privilege on it.
    pub(in crate::doctor) called: String,
    pub(in crate::doctor) called_owner: Identifier,
    /// Who may call that.
    pub(in crate::doctor) grantee: Grantee,
}

/// A domain that carries a part of a context, or the function of the one that records.
#[derive(Debug)]
pub(in crate::doctor) struct Carrier {
    pub(in crate::doctor) kind: CarrierKind,
    /// Its name with its schema.
    pub(in crate::doctor) name: TableName,
    pub(in crate::doctor) owner: Oid,
}

/// What carries a part of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::doctor) enum CarrierKind {
    Domain,
    Function,
}

/// A publication that has a registered table or a relative of one.
#[derive(Debug)]
pub(in crate::doctor) struct Publication {
    pub(in crate::doctor) name: Identifier,
    pub(in crate::doctor) owner_name: Identifier,
    pub(in crate::doctor) relation: Oid,
    /// Whether it names the table, rather than its schema or all tables.
    pub(in crate::doctor) named: bool,
}

/// A rewrite rule, except the one that makes a view.
#[derive(Debug)]
pub(in crate::doctor) struct Rewrite {
    pub(in crate::doctor) relation: Oid,
    pub(in crate::doctor) name: Identifier,
}

/// A trigger on a registered table or an audit table, or one elsewhere that runs as the owner of
/// its function.
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
    /// Whether its names are resolved in schemas that its caller cannot choose.
    pub(in crate::doctor) fixed_path: bool,
}

/// A setting that every new session of a role or database starts with.
#[derive(Debug)]
pub(in crate::doctor) struct RoleSetting {
    /// `None` for every role.
    pub(in crate::doctor) role: Option<Identifier>,
    /// Whether it is for this database only.
    pub(in crate::doctor) here: bool,
    pub(in crate::doctor) setting: String,
    /// The value of `search_path`; `None` for other settings.
    pub(in crate::doctor) path: Option<String>,
}

/// A temporary relation.
#[derive(Debug)]
pub(in crate::doctor) struct Temporary {
    pub(in crate::doctor) schema: Identifier,
    pub(in crate::doctor) name: Identifier,
    pub(in crate::doctor) is_view: bool,
}
