use super::{Grantee, Oid};
use crate::name::{Identifier, TableName};

/// Privileges on a system object, a member of an extension, a foreign server, a large object or a
/// parameter.
#[derive(Debug)]
pub(in crate::doctor) struct Privileges {
    /// `ROUTINE`, `TABLE`, `SCHEMA`, `FOREIGN SERVER`, `FOREIGN DATA WRAPPER`, `LANGUAGE`,
    /// `LARGE OBJECT`, `PARAMETER`, or `EXTENSION` for all routines of one.
    pub(in crate::doctor) on: String,
    /// The object's name as SQL.
    pub(in crate::doctor) object: String,
    pub(in crate::doctor) grantee: Grantee,
    /// PostgreSQL's words, with a column if they are on one, joined by commas.
    pub(in crate::doctor) privileges: String,
}

/// An object that the application's role owns, or one that it can become.
#[derive(Debug)]
pub(in crate::doctor) struct Owned {
    pub(in crate::doctor) owner: Oid,
    /// PostgreSQL's word for its kind.
    pub(in crate::doctor) kind: String,
    /// The object's name as SQL.
    pub(in crate::doctor) object: String,
    /// Its number, if it is a table, view or sequence.
    pub(in crate::doctor) relation: Option<Oid>,
}

/// An object that a policy depends on, owned by the application's role or one that it can become.
#[derive(Debug)]
pub(in crate::doctor) struct Support {
    /// `ROUTINE`, `OPERATOR`, `TYPE` or `TABLE`.
    pub(in crate::doctor) kind: String,
    /// The object's name as SQL.
    pub(in crate::doctor) object: String,
    pub(in crate::doctor) owner: Oid,
    pub(in crate::doctor) table: TableName,
    pub(in crate::doctor) policy: Identifier,
}
