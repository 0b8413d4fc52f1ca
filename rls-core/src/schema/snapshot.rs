//! What a database holds, as data: read once, and compared without asking the server again.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::context_domain::ContextDomain;
use crate::model::policy::{Canonical, Policy};
use crate::model::privilege::{Grants, Privilege};
use crate::name::{Identifier, TableName};
use crate::schema::plan::DomainDefinition;
use crate::schema::table::ActualTable;
use crate::schema::used::UsedNames;

/// Everyone, as a grantee: no role can have this name, and quoted it means the same (`RoleSpec` in
/// `src/backend/parser/gram.y`).
pub(crate) const PUBLIC: &str = "public";

/// The actual state of a database, as far as it is compared with the desired one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// The two roles, if they exist.
    pub(crate) roles: BTreeMap<Identifier, ActualRole>,
    /// What has the name of a registered table.
    pub(crate) relations: BTreeMap<TableName, Relation>,
    /// The tables with row security that no entity is registered for.
    pub(crate) others: Vec<TableName>,
    /// The `(schema, role)` pairs that need no grant of `USAGE`.
    pub(crate) schema_usage: BTreeSet<(Identifier, Identifier)>,
    /// What has the name of the audit table.
    pub(crate) audit: ActualAudit,
    /// What others get by default on what is made beside the domains.
    pub(crate) by_default: ByDefault,
    /// What has the names of the domains that carry contexts.
    pub(crate) domains: BTreeMap<ContextDomain, ActualDomain>,
    /// What has the name and the argument of the function that adds a row to the audit table.
    pub(crate) recorder: Option<ActualFunction>,
    /// What has the names of the table of the keys and of the view that verifies contexts; nothing
    /// if contexts are not signed.
    pub(crate) signing: Option<ActualSigning>,
    /// The desired policies and defaults of each table as the server prints them, if there is
    /// anything in the table to compare them with.
    pub(crate) canonical: BTreeMap<TableName, CanonicalTable>,
    /// The names that are in use, if an index or a key is to be created.
    pub(crate) used: UsedNames,
    /// Whether the server is Citus.
    pub(crate) is_citus: bool,
    /// While migrations are pending: the tables whose policies the server does not take yet.
    pub(crate) unready: BTreeSet<TableName>,
}

impl Snapshot {
    /// Whether the view that policies are to read is yet to be made.
    pub(crate) fn lacks_verified(&self) -> bool {
        let signing = self.signing.as_ref();
        signing.is_some_and(|signing| matches!(signing.verified, ActualObject::Missing))
    }
}

/// What has a registered name.
#[derive(Clone, Debug)]
pub(crate) enum Relation {
    Table(Box<ActualTable>),
    /// A view, or another thing that has no row security.
    Other,
}

/// The desired policies and defaults of a table, as the server prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CanonicalTable {
    pub(crate) policies: BTreeMap<Identifier, Policy<Canonical>>,
    pub(crate) defaults: BTreeMap<Identifier, Canonical>,
}

/// A role, as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ActualRole {
    /// The attributes that it should have and lacks, as `CREATE ROLE` spells them.
    pub(crate) lacks: Vec<&'static str>,
    /// Whether policies of this library in this database are for it.
    pub(crate) ours: bool,
    /// Whether it is the login that migrates.
    pub(crate) migrates: bool,
    /// The stored password.
    pub(crate) password: StoredPassword,
    /// Whether the login that migrates might set the password.
    pub(crate) settable: bool,
    /// The members among the two roles, each with the role that granted the membership (since
    /// PostgreSQL 16).
    pub(crate) members: BTreeSet<(Identifier, Option<Identifier>)>,
    /// The other roles that give it their privileges without `SET ROLE`, each with the role that
    /// granted the membership, if the login that migrates can act as that one. Before PostgreSQL 16
    /// there are none, since the role is `NOINHERIT`.
    pub(crate) inherits: BTreeSet<(Identifier, Identifier)>,
}

/// What the login that migrates knows of a role's password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum StoredPassword {
    #[default]
    Unset,
    Set(String),
    /// The login may not read it.
    Unreadable,
}

/// What others get on a new object of the login that migrates, by its default privileges.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByDefault {
    /// On a table or a view.
    pub(crate) tables: BTreeMap<Identifier, BTreeSet<Privilege>>,
    /// Who may execute a function.
    pub(crate) functions: BTreeSet<Identifier>,
}

/// What has the name of the audit table.
#[derive(Clone, Debug, Default)]
pub(crate) enum ActualAudit {
    #[default]
    Missing,
    /// Something else, and how it differs.
    Other(String),
    Table(AuditTable),
}

/// The audit table, as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditTable {
    /// The columns with another default than the desired one, each with the actual default.
    pub(crate) defaults: Vec<(Identifier, Option<Canonical>)>,
    /// What the two roles, and everyone, may do.
    pub(crate) grants: BTreeMap<Identifier, Grants>,
}

/// What has the name of a domain that carries a part of a context.
#[derive(Clone, Debug)]
pub(crate) enum ActualDomain {
    /// A domain over the desired type.
    Domain {
        definition: DomainDefinition,
        /// Whether it says of its values what is desired.
        fits: bool,
        /// Whether one of the two roles owns it, or is a member of its owner.
        is_owned: bool,
    },
    /// Another type.
    Other,
}

/// What has the name and the argument of the function that adds a row to the audit table.
#[derive(Clone, Debug)]
pub(crate) enum ActualFunction {
    /// A function that can be replaced by the desired one.
    Function {
        /// The function, as `pg_get_functiondef` prints it.
        definition: String,
        /// Whether it is as desired.
        fits: bool,
        /// Whether one of the two roles owns it, or is a member of its owner.
        is_owned: bool,
        /// Who else may execute it.
        grantees: BTreeSet<Identifier>,
    },
    /// Another function.
    Other,
}

/// What has the names of the objects of signed contexts.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActualSigning {
    pub(crate) keys: ActualObject,
    pub(crate) verified: ActualObject,
    /// Whether a key holds now.
    pub(crate) has_key: bool,
}

/// What has the name of an object of signed contexts.
#[derive(Clone, Debug, Default)]
pub(crate) enum ActualObject {
    #[default]
    Missing,
    /// Something else.
    Other,
    /// A table with the desired columns, or a view.
    There {
        /// The view, as the server prints it; empty for the table.
        definition: String,
        /// Whether it is as desired.
        fits: bool,
        /// Whether one of the two roles owns it, or is a member of its owner.
        is_owned: bool,
        /// Who else has privileges on it.
        grantees: BTreeMap<Identifier, BTreeSet<Privilege>>,
    },
}
