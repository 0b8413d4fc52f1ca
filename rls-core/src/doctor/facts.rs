//! What the rules look at: plain data, read once.

mod granted;
mod object;
mod relation;
mod role;

use std::collections::{BTreeMap, BTreeSet};

use crate::name::Identifier;
use crate::schema::table::ActualPolicy;

pub(super) use granted::{Granted, Support};
pub(super) use object::{Call, Definer, Publication, Rewrite, RoleSetting, Temporary, TriggerFact};
pub(super) use relation::{Column, ForeignKeyFact, IndexFact, Inheritance, Kind, Relation};
pub(super) use role::{Creator, Grant, Grantee, ReachedRole, SchemaDefault, Server};

/// The catalog's number of an object.
pub(super) type Oid = i64;

/// What the catalog holds that any rule asks of it.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) server: Server,
    /// The application's role and those it can become, itself first; none where it does not exist.
    pub(super) app: Vec<ReachedRole>,
    /// The administrator's likewise.
    pub(super) admin: Vec<ReachedRole>,
    /// All tables, views and sequences outside the server's own schemas.
    pub(super) relations: BTreeMap<Oid, Relation>,
    /// Privileges that reach the application's role, by relation.
    pub(super) grants: BTreeMap<Oid, Vec<Grant>>,
    /// Privileges on the audit's tables that reach the application's role or the administrator's.
    pub(super) audit_grants: BTreeMap<Oid, Vec<Grant>>,
    /// The tables that look like the audit's, whatever their names.
    pub(super) audits: BTreeSet<Oid>,
    pub(super) inheritance: Inheritance,
    /// The columns of registered tables, and those elsewhere that are named like one that names a
    /// holder.
    pub(super) columns: BTreeMap<Oid, BTreeMap<Identifier, Column>>,
    /// The policies of registered tables and their relatives.
    pub(super) policies: BTreeMap<Oid, BTreeMap<Identifier, ActualPolicy>>,
    /// The functions of one's own that policies call.
    pub(super) calls: Vec<Call>,
    pub(super) indexes: Vec<IndexFact>,
    pub(super) foreign_keys: Vec<ForeignKeyFact>,
    /// Views and rules over registered tables, their relatives and the audit's, directly or through
    /// views: reader, table.
    pub(super) readers: BTreeSet<(Oid, Oid)>,
    pub(super) definers: Vec<Definer>,
    pub(super) defaults: Vec<SchemaDefault>,
    /// Who, of those that reach the application's role, may create in a schema.
    pub(super) creators: Vec<Creator>,
    /// The schemas in which the application's role finds anything.
    pub(super) usable: BTreeSet<Identifier>,
    pub(super) granted: Vec<Granted>,
    pub(super) supports: Vec<Support>,
    /// The functions that may run before policies do, as `regprocedure` prints them.
    pub(super) leakproof: Vec<String>,
    pub(super) publications: Vec<Publication>,
    pub(super) rewrites: Vec<Rewrite>,
    pub(super) triggers: Vec<TriggerFact>,
    pub(super) settings: Vec<RoleSetting>,
    /// Temporary relations of any session of the application's role.
    pub(super) temporary: Vec<Temporary>,
}

impl Facts {
    /// Whom the application's role can become, itself included.
    pub(super) fn app_is(&self, role: Oid) -> Option<&ReachedRole> {
        self.app.iter().find(|reached| reached.oid == role)
    }

    /// Whom the administrator's role can become, itself included.
    pub(super) fn admin_is(&self, role: Oid) -> Option<&ReachedRole> {
        self.admin.iter().find(|reached| reached.oid == role)
    }
}
