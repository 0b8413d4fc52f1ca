use std::collections::BTreeMap;

use super::facts::{Column, Facts, Grant, Kind, Oid, Relation};
use crate::config::RlsConfig;
use crate::name::{Identifier, TableName};
use crate::plan::Plan;
use crate::registry::Registry;
use crate::scope::Scope;
use crate::table::Desired;

/// All that a rule may look at.
pub(super) struct Case<'a> {
    pub(super) facts: &'a Facts,
    pub(super) config: &'a RlsConfig,
    pub(super) registry: &'a Registry,
    /// The registered tables, in the registry's order.
    pub(super) tables: Vec<Table<'a>>,
    /// What the migrations would change; `None` where that could not be asked.
    pub(super) plan: Option<&'a Plan>,
}

/// A registered table, as asked for and as found.
pub(super) struct Table<'a> {
    pub(super) scope: &'a Scope,
    pub(super) desired: Desired,
    pub(super) found: Option<(Oid, &'a Relation)>,
}

impl<'a> Case<'a> {
    pub(super) fn new(facts: &'a Facts, config: &'a RlsConfig, registry: &'a Registry, plan: Option<&'a Plan>) -> Self {
        let by_name: BTreeMap<&TableName, (Oid, &Relation)> =
            facts.relations.iter().map(|(oid, relation)| (&relation.name, (*oid, relation))).collect();
        let table = |scope: &'a Scope| {
            let desired = Desired::new(scope, config, &facts.server.schema);
            let found = by_name.get(&desired.table).copied();
            Table { scope, desired, found }
        };
        Self { facts, config, registry, tables: registry.scopes().iter().map(table).collect(), plan }
    }

    /// The scoped tables that are there.
    pub(super) fn scoped(&self) -> impl Iterator<Item = (Oid, &Relation, &Table<'a>)> {
        self.tables.iter().filter(|table| table.scope.unscoped.is_none()).filter_map(|table| {
            let (oid, relation) = table.found.filter(|(_, relation)| relation.kind == Kind::Table)?;
            Some((oid, relation, table))
        })
    }

    /// The scoped table of a number.
    pub(super) fn scoped_table(&self, oid: Oid) -> Option<(&Relation, &Table<'a>)> {
        self.scoped().find(|(other, ..)| *other == oid).map(|(_, relation, table)| (relation, table))
    }

    /// Privileges on a relation that reach the application's role.
    pub(super) fn grants_on(&self, oid: Oid) -> impl Iterator<Item = &'a Grant> + use<'a> {
        self.facts.grants.iter().filter(move |grant| grant.relation == oid)
    }

    pub(super) fn column(&self, oid: Oid, column: &Identifier) -> Option<&'a Column> {
        self.facts.columns.get(&oid)?.get(column)
    }

    /// Whether what runs as this role sees rows whatever the policies say.
    pub(super) fn is_past_policies(&self, owner: Oid, bypasses: bool) -> bool {
        bypasses || self.scoped().any(|(_, relation, _)| relation.owner == owner && !relation.forced)
    }

    pub(super) fn owns_scoped(&self, role: Oid) -> bool {
        self.scoped().any(|(_, relation, _)| relation.owner == role)
    }
}
