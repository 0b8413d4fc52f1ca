use std::fmt;

use super::Oid;
use crate::name::{Identifier, Schemas};

/// The server and the database.
#[derive(Debug)]
pub(in crate::doctor) struct Server {
    /// `server_version_num`.
    pub(in crate::doctor) version: i32,
    pub(in crate::doctor) version_text: String,
    pub(in crate::doctor) database: Identifier,
    /// The database's owner.
    pub(in crate::doctor) owner: Oid,
    pub(in crate::doctor) owner_name: Identifier,
    /// The schemas of tables that are named without one.
    pub(in crate::doctor) schemas: Schemas,
    /// Who may call `set_config`, of `PUBLIC`, the application's role and those it can become.
    pub(in crate::doctor) set_config: Vec<Grantee>,
    /// Who of them may create schemas.
    pub(in crate::doctor) creators: Vec<Grantee>,
    /// Who of them may create temporary objects.
    pub(in crate::doctor) temporary: Vec<Grantee>,
}

/// A role that the application or the administrator is or can become.
#[derive(Debug)]
pub(in crate::doctor) struct ReachedRole {
    pub(in crate::doctor) oid: Oid,
    pub(in crate::doctor) name: Identifier,
    /// The role whose membership leads there; `None` for the role itself.
    pub(in crate::doctor) via: Option<Identifier>,
    /// Who granted that membership, since PostgreSQL 16, which revokes only a named grantor's
    /// grant.
    pub(in crate::doctor) grantors: Vec<Identifier>,
    /// The attributes by which no policy applies to it: `SUPERUSER`, `BYPASSRLS`.
    pub(in crate::doctor) bypasses: Vec<&'static str>,
    /// The predefined role by which it sees or ends what is not its own.
    pub(in crate::doctor) watches: Option<&'static str>,
    /// What gives it power over roles, the server or tables: attributes and predefined roles.
    pub(in crate::doctor) powers: Vec<&'static str>,
}

/// Whom something is granted to.
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
    /// The schema's owner; the database's for one that `pg_database_owner` owns.
    pub(in crate::doctor) owner_name: Identifier,
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

/// A default privilege: one on what a role creates from now on.
#[derive(Debug)]
pub(in crate::doctor) struct SchemaDefault {
    pub(in crate::doctor) owner: Identifier,
    /// `None` for all schemas.
    pub(in crate::doctor) schema: Option<Identifier>,
    /// `TABLES`, `SEQUENCES`, `SCHEMAS` or `LARGE OBJECTS`.
    pub(in crate::doctor) on: &'static str,
    pub(in crate::doctor) grantee: Grantee,
    pub(in crate::doctor) privilege: String,
}
