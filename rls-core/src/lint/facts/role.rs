use std::fmt;

use super::Oid;
use crate::name::{Identifier, Schemas};

/// What is so of server and database.
#[derive(Debug)]
pub(in crate::lint) struct Server {
    /// `server_version_num`.
    pub(in crate::lint) version: i32,
    pub(in crate::lint) version_text: String,
    pub(in crate::lint) database: Identifier,
    /// Its owner.
    pub(in crate::lint) owner: Oid,
    /// The schemas of tables that name none.
    pub(in crate::lint) schemas: Schemas,
    /// Who, of those that reach the application's role, may call `set_config`.
    pub(in crate::lint) set_config: Vec<Grantee>,
    /// Who, of those that reach the application's role, may create schemas.
    pub(in crate::lint) creators: Vec<Grantee>,
    /// Who, of those that reach the application's role, may make temporary objects.
    pub(in crate::lint) temporary: Vec<Grantee>,
}

/// A role that another is or can become.
#[derive(Debug)]
pub(in crate::lint) struct ReachedRole {
    pub(in crate::lint) oid: Oid,
    pub(in crate::lint) name: Identifier,
    /// The membership that leads there; `None` for the role itself.
    pub(in crate::lint) via: Option<Identifier>,
    /// Who granted it, since PostgreSQL 16, which takes away only what the one who is named
    /// granted.
    pub(in crate::lint) grantors: Vec<Identifier>,
    /// Whether policies do not hold for it: `SUPERUSER`, `BYPASSRLS`.
    pub(in crate::lint) bypasses: Vec<&'static str>,
    /// What lets it change roles, server or tables: attributes, and the names of predefined roles.
    pub(in crate::lint) powers: Vec<&'static str>,
}

/// To whom something is granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lint) enum Grantee {
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
pub(in crate::lint) struct Creator {
    pub(in crate::lint) schema: Identifier,
    pub(in crate::lint) grantee: Grantee,
    /// Whether it is the schema's owner.
    pub(in crate::lint) owns: bool,
}

/// A privilege on a relation, or on one of its columns.
#[derive(Clone, Debug)]
pub(in crate::lint) struct Grant {
    pub(in crate::lint) column: Option<Identifier>,
    pub(in crate::lint) grantee: Grantee,
    /// PostgreSQL's word.
    pub(in crate::lint) privilege: String,
}

/// A privilege on what a role is yet to create.
#[derive(Debug)]
pub(in crate::lint) struct SchemaDefault {
    pub(in crate::lint) owner: Identifier,
    /// `None` for all schemas.
    pub(in crate::lint) schema: Option<Identifier>,
    /// `TABLES` or `SEQUENCES`.
    pub(in crate::lint) on: &'static str,
    pub(in crate::lint) grantee: Grantee,
    pub(in crate::lint) privilege: String,
}
