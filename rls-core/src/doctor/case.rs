use std::collections::BTreeMap;

use super::facts::{Column, Facts, Grant, Grantee, Kind, Oid, Relation};
use crate::config::RlsConfig;
use crate::entity::registry::Registry;
use crate::model::policy::{Policy, PolicyKind};
use crate::model::scope::Scope;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, Plan, TableChange};
use crate::schema::table::DesiredTable;

/// All that a rule may look at.
pub(super) struct Case<'a> {
    pub(super) facts: &'a Facts,
    pub(super) config: &'a RlsConfig,
    pub(super) registry: &'a Registry,
    /// The registered tables, in the registry's order.
    pub(super) tables: Vec<Table<'a>>,
    /// What the migrations would change; `None` if this login cannot find out.
    pub(super) plan: Option<&'a Plan>,
    /// The table in which SeaORM keeps which migrations have run.
    pub(super) migrations: &'a str,
    /// The scoped tables that exist, as positions in `tables`.
    scoped: BTreeMap<Oid, usize>,
    /// What a scoped table inherits from, or what inherits from it, and is not scoped itself.
    relatives: BTreeMap<Oid, Oid>,
}

/// A registered table, desired and actual.
pub(super) struct Table<'a> {
    pub(super) scope: &'a Scope,
    pub(super) desired: DesiredTable,
    pub(super) actual: Option<(Oid, &'a Relation)>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        facts: &'a Facts,
        config: &'a RlsConfig,
        registry: &'a Registry,
        plan: Option<&'a Plan>,
        migrations: &'a str,
    ) -> Self {
        let by_name: BTreeMap<&TableName, (Oid, &Relation)> = facts
            .relations
            .iter()
            .map(|(oid, relation)| (&relation.name, (*oid, relation)))
            .collect();

        let table = |scope: &'a Scope| {
            let desired = DesiredTable::new(scope, config, &facts.server.schemas);
            let actual = by_name.get(&desired.table).copied();

            Table {
                scope,
                desired,
                actual,
            }
        };

        let tables: Vec<Table<'_>> = registry.scopes().iter().map(table).collect();
        let scoped: BTreeMap<Oid, usize> = tables
            .iter()
            .enumerate()
            .filter(|(_, table)| table.scope.unscoped.is_none())
            .filter_map(|(at, table)| {
                table
                    .actual
                    .filter(|(_, actual)| actual.kind == Kind::Table)
                    .map(|(oid, _)| (oid, at))
            })
            .collect();

        let mut related = BTreeMap::new();
        for oid in scoped.keys() {
            for relative in facts
                .inheritance
                .ancestors(*oid)
                .into_iter()
                .chain(facts.inheritance.descendants(*oid))
            {
                if !scoped.contains_key(&relative) {
                    related.entry(relative).or_insert(*oid);
                }
            }
        }

        Self {
            facts,
            config,
            registry,
            tables,
            plan,
            migrations,
            scoped,
            relatives: related,
        }
    }

    /// The scoped tables that exist, in the registry's order.
    pub(super) fn scoped(&self) -> impl Iterator<Item = (Oid, &Relation, &Table<'a>)> {
        self.tables.iter().filter_map(|table| {
            let (oid, relation) = table.actual?;
            self.scoped
                .contains_key(&oid)
                .then_some((oid, relation, table))
        })
    }

    /// What the migrations would change of a table; nothing if this login cannot find out.
    pub(super) fn planned<'b>(
        &'b self,
        table: &'b TableName,
    ) -> impl Iterator<Item = &'b TableChange> {
        let changes = self.plan.into_iter().flat_map(Plan::changes);
        changes.filter_map(move |change| match change {
            Change::Table(of, change) if of == table => Some(change),
            _ => None,
        })
    }

    /// The scoped table with this number.
    pub(super) fn scoped_table(&self, oid: Oid) -> Option<(&Relation, &Table<'a>)> {
        let table = self.tables.get(*self.scoped.get(&oid)?)?;
        Some((table.actual?.1, table))
    }

    /// The scoped table that has rows in a relation: that relation itself, or one related to it by
    /// inheritance.
    pub(super) fn rows_behind(&self, oid: Oid) -> Option<(&Relation, &Table<'a>)> {
        self.scoped_table(oid)
            .or_else(|| self.scoped_table(*self.relatives.get(&oid)?))
    }

    /// What else holds rows of scoped tables, with the table: relatives by inheritance, and
    /// materialized views over a scoped table or a relative.
    pub(super) fn holders(&self) -> impl Iterator<Item = (&Relation, &Relation)> {
        self.facts
            .relations
            .iter()
            .filter(|(oid, _)| !self.scoped.contains_key(oid))
            .filter_map(|(oid, relation)| {
                let base = match relation.kind {
                    Kind::MaterializedView => {
                        let mut bases = self
                            .facts
                            .readers
                            .range((*oid, Oid::MIN)..=(*oid, Oid::MAX));
                        bases.find_map(|(_, base)| self.rows_behind(*base))
                    }
                    _ => self.rows_behind(*oid),
                };

                Some((relation, base?.0))
            })
    }

    /// Whether no policy on a relation itself lets the application's role through, or a role that
    /// it can become.
    pub(super) fn lets_nobody_through(&self, oid: Oid) -> bool {
        let policies = self.facts.policies.get(&oid);
        !policies
            .into_iter()
            .flat_map(BTreeMap::values)
            .any(|actual| {
                let Policy { kind, roles, .. } = &actual.policy;
                let applies = roles.is_empty()
                    || self.facts.app.iter().any(|role| roles.contains(&role.name));
                *kind == PolicyKind::Permissive && applies
            })
    }

    /// Privileges on a relation that reach the application's role.
    pub(super) fn grants_on(&self, oid: Oid) -> &'a [Grant] {
        self.facts.grants.get(&oid).map_or(&[], Vec::as_slice)
    }

    /// The roles with such privileges.
    pub(super) fn grantees_on(&self, oid: Oid) -> impl Iterator<Item = Grantee> + use<'a> {
        self.grants_on(oid)
            .iter()
            .map(|grant| grant.grantee.clone())
    }

    pub(super) fn column(&self, oid: Oid, column: &Identifier) -> Option<&'a Column> {
        self.facts.columns.get(&oid)?.get(column)
    }

    /// Whether no policy applies to what runs as this role.
    pub(super) fn is_past_policies(&self, owner: Oid, bypasses: bool) -> bool {
        bypasses
            || self
                .scoped()
                .any(|(_, relation, _)| relation.owner == owner && !relation.forced)
    }

    /// The role of the migrations' login: who owns SeaORM's table of migrations, or most of the
    /// registered tables, and is neither the application nor an administrator.
    pub(super) fn migrations_role(&self) -> Option<&'a Identifier> {
        let is_other = |relation: &&Relation| {
            let (app, admin) = (self.config.app_role(), self.config.admin_role());
            relation.owner_name != *app && relation.owner_name != *admin
        };

        let mut relations = self.facts.relations.values();
        let table = relations.find(|relation| relation.name.table.as_str() == self.migrations);
        if let Some(table) = table.filter(is_other) {
            return Some(&table.owner_name);
        }

        let mut owned: BTreeMap<&Identifier, usize> = BTreeMap::new();
        for (_, relation) in self.tables.iter().filter_map(|table| table.actual) {
            if is_other(&relation) {
                *owned.entry(&relation.owner_name).or_default() += 1;
            }
        }

        let most = owned.into_iter().max_by_key(|(_, tables)| *tables);
        most.map(|(owner, _)| owner)
    }

    pub(super) fn owns_scoped(&self, role: Oid) -> bool {
        self.scoped().any(|(_, relation, _)| relation.owner == role)
    }

    /// The configured audit table, with its number if it exists, whether or not it is written.
    pub(super) fn audit(&self) -> (TableName, Option<Oid>) {
        let name = self
            .config
            .audit_table_name()
            .found_in(&self.facts.server.schemas);

        let actual = self.facts.audits.iter().find(|oid| {
            self.facts
                .relations
                .get(oid)
                .is_some_and(|it| it.name == name)
        });

        (name, actual.copied())
    }
}
