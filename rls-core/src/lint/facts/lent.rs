use super::{Grantee, Oid};
use crate::name::{Identifier, TableName};

/// A privilege that reaches the application's role, beyond those that the server gives by itself:
/// on what is the server's own, or on a foreign server.
#[derive(Debug)]
pub(in crate::lint) struct Lent {
    /// `ROUTINE`, `TABLE`, `SCHEMA` or `FOREIGN SERVER`.
    pub(in crate::lint) on: String,
    /// As SQL names it.
    pub(in crate::lint) object: String,
    pub(in crate::lint) grantee: Grantee,
    /// PostgreSQL's words.
    pub(in crate::lint) privileges: String,
}

/// What a policy cannot be without, owned by the application's role or one that it can become.
#[derive(Debug)]
pub(in crate::lint) struct Support {
    /// `ROUTINE`, `OPERATOR`, `TYPE` or `TABLE`.
    pub(in crate::lint) kind: String,
    /// As SQL names it.
    pub(in crate::lint) object: String,
    pub(in crate::lint) owner: Oid,
    pub(in crate::lint) table: TableName,
    pub(in crate::lint) policy: Identifier,
}
