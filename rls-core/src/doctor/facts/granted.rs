use super::{Grantee, Oid};
use crate::name::{Identifier, TableName};

/// A privilege that reaches the application's role, beyond those that the server gives by itself:
/// on what is the server's own, or on a foreign server.
#[derive(Debug)]
pub(in crate::doctor) struct Granted {
    /// `ROUTINE`, `TABLE`, `SCHEMA` or `FOREIGN SERVER`.
    pub(in crate::doctor) on: String,
    /// As SQL names it.
    pub(in crate::doctor) object: String,
    pub(in crate::doctor) grantee: Grantee,
    /// PostgreSQL's words.
    pub(in crate::doctor) privileges: String,
}

/// What a policy cannot be without, owned by the application's role or one that it can become.
#[derive(Debug)]
pub(in crate::doctor) struct Support {
    /// `ROUTINE`, `OPERATOR`, `TYPE` or `TABLE`.
    pub(in crate::doctor) kind: String,
    /// As SQL names it.
    pub(in crate::doctor) object: String,
    pub(in crate::doctor) owner: Oid,
    pub(in crate::doctor) table: TableName,
    pub(in crate::doctor) policy: Identifier,
}
