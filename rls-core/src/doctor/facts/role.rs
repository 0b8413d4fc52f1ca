use std::fmt;

use super::Oid;
use crate::name::{Identifier, Schemas};

/// What is so of server and database.
#[derive(Debug)]
pub(in crate::doctor) struct Server {
    /// `server_version_num`.
    pub(in crate::doctor) version: i32,
    pub(in crate::doctor) version_text: String,
    pub(in crate::doctor) database: Identifier,
    /// Its owner.
    pub(in crate::doctor) owner: Oid,
    /// The schemas of tables that name none.
    pub(in crate::doctor) schemas: Schemas,
    /// Who, of those that reach the application's role, may call `set_config`.
    pub(in crate::doctor) set_config: Vec<Grantee>,
    /// Who, of those that reach the application's role, may create schemas.
    pub(in crate::doctor) creators: Vec<Grantee>,
    /// Who, of those that reach the application's role, may make temporary objects.
    pub(in crate::doctor) temporary: Vec<Grantee>,
}

/// A role that another is or can become.
#[derive(Debug)]
pub(in crate::doctor) struct ReachedRole {
    pub(in crate::doctor) oid: Oid,
    pub(in crate::doctor) name: Identifier,
    /// The membership that leads there; `None` for the role itself.
    pub(in crate::doctor) via: Option<Identifier>,
    /// Who granted it, since PostgreSQL 16, which takes away only what the one who is named
    /// granted.
    pub(in crate::doctor) grantors: Vec<Identifier>,
    /// Whether policies do not hold for it: `SUPERUSER`, `BYPASSRLS`.
    pub(in crate::doctor) bypasses: Vec<&'static str>,
    /// What lets it change roles, server or tables: attributes, and the names of predefined roles.
    pub(in crate::doctor) powers: Vec<&'static str>,
}

/// To whom something is granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::doctor) enum Grantee {
    Public,
    Role(Identifier),
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("PUBLIC"),
            Self::Role(role) => f.write_str(&crate::sql::identifier(role)),
        }
    }
}

/// Who may create in a schema.
#[derive(Debug)]
pub(in crate::doctor) struct Creator {
    pub(in crate::doctor) schema: Identifier,
    pub(in crate::doctor) grantee: Grantee,
    /// Whether it is the schema's owner.
    pub(in crate::doctor) owns: bool,
}

/// A privilege on a relation, or on one of its columns.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Grant {
    pub(in crate::doctor) column: Option<Identifier>,
    pub(in crate::doctor) grantee: Grantee,
    /// PostgreSQL's word.
    pub(in crate::doctor) privilege: String,
}

/// A privilege on what a role is yet to create.
#[derive(Debug)]
pub(in crate::doctor) struct SchemaDefault {
    pub(in crate::doctor) owner: Identifier,
    /// `None` for all schemas.
    pub(in crate::doctor) schema: Option<Identifier>,
    /// `TABLES` or `SEQUENCES`.
    pub(in crate::doctor) on: &'static str,
    pub(in crate::doctor) grantee: Grantee,
    pub(in crate::doctor) privilege: String,
}
