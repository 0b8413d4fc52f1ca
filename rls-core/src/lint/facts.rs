//! What the rules look at: plain data, read once.

mod object;
mod relation;
mod role;

use std::collections::{BTreeMap, BTreeSet};

use crate::name::Identifier;
use crate::table::Held;

pub(super) use object::{Definer, Publication, Rewrite, RoleSetting, TriggerFact};
pub(super) use relation::{Column, ForeignKeyFact, IndexFact, Kind, Relation};
pub(super) use role::{Grant, Grantee, ReachedRole, SchemaDefault, Server};

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
    /// Privileges that reach the application's role, on relations and their columns.
    pub(super) grants: Vec<Grant>,
    /// The parents of partitions and inheriting tables.
    pub(super) parents: BTreeMap<Oid, BTreeSet<Oid>>,
    /// The columns of registered tables, and those elsewhere that are named like one that names a holder.
    pub(super) columns: BTreeMap<Oid, BTreeMap<Identifier, Column>>,
    pub(super) policies: BTreeMap<Oid, BTreeMap<Identifier, Held>>,
    /// The functions of one's own that policies call: table, policy, function, volatility.
    pub(super) calls: Vec<(Oid, Identifier, String, char)>,
    pub(super) indexes: Vec<IndexFact>,
    pub(super) foreign_keys: Vec<ForeignKeyFact>,
    /// Views and rules over registered tables, directly or through views: reader, table.
    pub(super) readers: BTreeSet<(Oid, Oid)>,
    pub(super) definers: Vec<Definer>,
    pub(super) defaults: Vec<SchemaDefault>,
    /// Who, of those that reach the application's role, may create in a schema.
    pub(super) creators: Vec<(Identifier, Grantee)>,
    pub(super) publications: Vec<Publication>,
    pub(super) rewrites: Vec<Rewrite>,
    pub(super) triggers: Vec<TriggerFact>,
    pub(super) settings: Vec<RoleSetting>,
}

impl Facts {
    /// Whom the application's role can become, itself included.
    pub(super) fn app_is(&self, role: Oid) -> Option<&ReachedRole> {
        self.app.iter().find(|reached| reached.oid == role)
    }
}
