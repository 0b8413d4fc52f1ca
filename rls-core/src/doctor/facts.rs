//! What the rules examine: plain data, read once.

mod beyond;
mod object;
mod relation;
mod role;

use std::collections::{BTreeMap, BTreeSet};

use crate::name::Identifier;
use crate::schema::table::ActualPolicy;

pub(super) use beyond::{Owned, Privileges, Support};
pub(super) use object::{
    Call, Carrier, CarrierKind, Definer, Publication, Rewrite, RoleSetting, Temporary, TriggerFact,
};
pub(super) use relation::{Column, ForeignKeyFact, IndexFact, Inheritance, Kind, Relation};
pub(super) use role::{Creator, Grant, Grantee, ReachedRole, SchemaDefault, Server};

/// The number of an object in the catalog.
pub(super) type Oid = i64;

/// What the rules need of the catalog.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) server: Server,
    /// The application's role and those it can become, itself first; empty if it does not exist.
    pub(super) app: Vec<ReachedRole>,
    /// The same of the administrator's role.
    pub(super) admin: Vec<ReachedRole>,
    /// All tables, views and sequences outside the system schemas.
    pub(super) relations: BTreeMap<Oid, Relation>,
    /// Privileges of the application's role, and of those it can become, by relation.
    pub(super) grants: BTreeMap<Oid, Vec<Grant>>,
    /// Privileges on the audit tables of these and of the administrator's.
    pub(super) audit_grants: BTreeMap<Oid, Vec<Grant>>,
    /// The tables that have the audit's columns, whatever their names.
    pub(super) audits: BTreeSet<Oid>,
    /// The tables with the name of that of the keys, in any schema.
    pub(super) keys: BTreeSet<Oid>,
    pub(super) inheritance: Inheritance,
    /// The columns of registered tables, and those of other tables with the name of an owner
    /// column.
    pub(super) columns: BTreeMap<Oid, BTreeMap<Identifier, Column>>,
    /// The policies of registered tables and their relatives.
    pub(super) policies: BTreeMap<Oid, BTreeMap<Identifier, ActualPolicy>>,
    /// The functions that policies call, but those of the server and of extensions.
    pub(super) calls: Vec<Call>,
    pub(super) indexes: Vec<IndexFact>,
    pub(super) foreign_keys: Vec<ForeignKeyFact>,
    /// Views and rules over registered tables, their relatives, the audit's and the keys', directly or
    /// through views, as pairs of reader and table.
    pub(super) readers: BTreeSet<(Oid, Oid)>,
    pub(super) definers: Vec<Definer>,
    /// The domains that carry contexts, and the function of the one that records.
    pub(super) carriers: Vec<Carrier>,
    pub(super) defaults: Vec<SchemaDefault>,
    /// Who may create in a schema, of `PUBLIC`, the application's role and those it can become.
    pub(super) creators: Vec<Creator>,
    /// The schemas that the application's role may use.
    pub(super) usable: BTreeSet<Identifier>,
    /// Privileges on system objects and foreign servers, beyond those that a new server grants.
    pub(super) beyond: Vec<Privileges>,
    /// Privileges that a new server grants to everyone, and those on its parameters.
    pub(super) needless: Vec<Privileges>,
    /// Privileges on members of extensions that their scripts do not grant, and on those that run as
    /// their owner.
    pub(super) extended: Vec<Privileges>,
    /// What the application's role owns, or one that it can become.
    pub(super) owned: Vec<Owned>,
    pub(super) supports: Vec<Support>,
    /// The server's functions that policies call for each row, and that the planner thinks to cost
    /// something.
    pub(super) dear: Vec<String>,
    /// The `LEAKPROOF` functions, as `regprocedure` prints them.
    pub(super) leakproof: Vec<String>,
    pub(super) publications: Vec<Publication>,
    pub(super) rewrites: Vec<Rewrite>,
    pub(super) triggers: Vec<TriggerFact>,
    pub(super) settings: Vec<RoleSetting>,
    /// Temporary relations in any session of the application's role.
    pub(super) temporary: Vec<Temporary>,
}

impl Facts {
    /// The role with this number, if it is the application's or one that it can become.
    pub(super) fn app_is(&self, role: Oid) -> Option<&ReachedRole> {
        self.app.iter().find(|reached| reached.oid == role)
    }

    /// The role with this number, if it is the administrator's or one that it can become.
    pub(super) fn admin_is(&self, role: Oid) -> Option<&ReachedRole> {
        self.admin.iter().find(|reached| reached.oid == role)
    }
}
