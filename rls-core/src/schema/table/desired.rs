use std::collections::BTreeMap;

use crate::config::RlsConfig;
use crate::model::expression::Expression;
use crate::model::key::KeyType;
use crate::model::policy::Policy;
use crate::model::privilege::Grants;
use crate::model::scope::policies_of;
use crate::model::scope::{Distribution, ForeignKey, Key, Scope};
use crate::name::{Identifier, Schemas, TableName};
use crate::schema::fingerprint;

/// The desired state of a registered table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DesiredTable {
    /// The table, with its schema.
    pub(crate) table: TableName,
    /// The flags; `None` for an unscoped table, which keeps its flags.
    pub(crate) row_security: Option<RowSecurity>,
    /// The columns that name user and tenant.
    pub(crate) columns: Vec<DesiredColumn>,
    /// Policies in the order in which they are created.
    pub(crate) policies: Vec<DesiredPolicy>,
    /// The indexes that the policies need.
    pub(crate) indexes: Vec<DesiredIndex>,
    /// The columns of other tables that must be unique: through them this table's rows belong to
    /// someone.
    pub(crate) unique: Vec<(TableName, Identifier)>,
    /// The references that a key keeps with their owner.
    pub(crate) bound: Vec<DesiredBound>,
    /// The tables through which rows belong to someone, and those that bound references lead to.
    pub(crate) parents: Vec<TableName>,
    /// How Citus spreads the rows over its nodes, if it does.
    pub(crate) distribution: Option<Distribution>,
    /// The privileges of the two roles.
    pub(crate) privileges: BTreeMap<Identifier, Grants>,
}

/// The flags of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowSecurity {
    /// Whether row security is enabled.
    pub(crate) enabled: bool,
    /// Whether row security holds for the table's owner too.
    pub(crate) forced: bool,
}

/// A column that names the user or tenant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DesiredColumn {
    pub(crate) name: Identifier,
    pub(crate) key: KeyType,
    pub(crate) default: Option<Expression>,
    pub(crate) foreign_key: Option<ForeignKey>,
    /// The value of existing rows, as an SQL expression.
    pub(crate) backfill: Option<String>,
    /// Whether the column may be added: an identity's key is the table's own.
    pub(crate) owned: bool,
}

/// A policy, and its fingerprint before its names got a schema.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DesiredPolicy {
    pub(crate) policy: Policy,
    pub(crate) fingerprint: String,
}

/// A reference to rows of the same owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DesiredBound {
    pub(crate) parent: TableName,
    /// The columns of the key, each with the one that it refers to; the reference is the last.
    pub(crate) columns: Vec<(Identifier, Identifier)>,
}

/// An index that begins with these columns, over all rows, or the rows in which `only` is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DesiredIndex {
    pub(crate) columns: Vec<Identifier>,
    pub(crate) only: Option<Identifier>,
}

impl DesiredTable {
    /// The desired state for a scope, with a schema for each table name that has none.
    pub(crate) fn new(scope: &Scope, config: &RlsConfig, schemas: &Schemas) -> Self {
        let policies = policies_of(scope, config)
            .into_iter()
            .map(|policy| DesiredPolicy {
                fingerprint: fingerprint::desired(&policy),
                policy: policy.map(|expression| expression.in_schema(schemas)),
            })
            .collect();

        let row_security = scope.unscoped.is_none().then(|| RowSecurity {
            enabled: config.enabled(),
            forced: config.force(),
        });

        Self {
            table: scope.table.found_in(schemas),
            row_security,
            columns: scope.keys.iter().map(|key| column(key, schemas)).collect(),
            policies,
            indexes: indexes(scope),
            bound: bound(scope, schemas),
            parents: scope
                .through
                .iter()
                .map(|through| &through.parent)
                .chain(scope.bound.iter().map(|bound| &bound.parent))
                .map(|parent| parent.found_in(schemas))
                .collect(),
            unique: scope
                .through
                .iter()
                .filter(|through| through.unique)
                .map(|through| {
                    (
                        through.parent.found_in(schemas),
                        through.parent_column.clone(),
                    )
                })
                .collect(),
            distribution: scope.distribution.clone(),
            privileges: BTreeMap::from([
                (
                    config.app_role().clone(),
                    Grants::limited(&scope.privileges, &scope.columns),
                ),
                (
                    config.admin_role().clone(),
                    Grants::limited(&scope.admin, &scope.admin_columns),
                ),
            ]),
        }
    }
}

impl DesiredTable {
    /// Fits the policies to the types of the columns, as the server prints them. The fingerprints
    /// stay those of the entity.
    pub(crate) fn fit_types(&mut self, type_of: &impl Fn(&Identifier) -> Option<String>) {
        for desired in &mut self.policies {
            desired.policy = desired
                .policy
                .map(|expression| expression.with_types(type_of));
        }
    }

    /// The policy of that name.
    pub(crate) fn policy(&self, name: &Identifier) -> Option<&DesiredPolicy> {
        self.policies
            .iter()
            .find(|desired| desired.policy.name == *name)
    }

    /// Through how many tables, one behind the other, its policies lead.
    pub(crate) fn levels(&self) -> usize {
        let conditions = self
            .policies
            .iter()
            .flat_map(|desired| [desired.policy.using(), desired.policy.with_check()]);
        let levels = conditions.flatten().map(Expression::levels);
        levels.max().unwrap_or_default()
    }

    /// The tables that its keys and declared policies name.
    pub(crate) fn refers_to(&self) -> impl Iterator<Item = &TableName> {
        let keys = self
            .columns
            .iter()
            .filter_map(|column| column.foreign_key.as_ref())
            .map(|key| &key.table);
        keys.chain(&self.parents)
    }
}

fn column(key: &Key, schemas: &Schemas) -> DesiredColumn {
    let owned = key.owned();
    DesiredColumn {
        name: key.column.clone(),
        key: key.key,
        default: owned
            .is_some_and(|owned| owned.default)
            .then(|| Expression::Current {
                setting: key.setting.clone(),
                key: key.key,
            }),
        foreign_key: owned
            .and_then(|owned| owned.foreign_key.as_ref())
            .map(|foreign_key| ForeignKey {
                table: foreign_key.table.found_in(schemas),
                ..foreign_key.clone()
            }),
        backfill: owned.and_then(|owned| owned.backfill.clone()),
        owned: owned.is_some(),
    }
}

fn bound(scope: &Scope, schemas: &Schemas) -> Vec<DesiredBound> {
    let by_key = scope.bound.iter().filter_map(|bound| {
        let columns = bound.key();
        (!columns.is_empty()).then(|| DesiredBound {
            parent: bound.parent.found_in(schemas),
            columns,
        })
    });

    by_key.collect()
}

/// The indexes that a scope's policies need: one for each column that names a user or tenant, one
/// for each reference, and a partial one for shared rows, without which `own OR shared` reads the
/// whole table.
fn indexes(scope: &Scope) -> Vec<DesiredIndex> {
    let mut indexes: Vec<DesiredIndex> = Vec::new();
    let mut add = |columns: Vec<Identifier>, only: Option<Identifier>| {
        let index = DesiredIndex { columns, only };
        if !indexes.contains(&index) {
            indexes.push(index);
        }
    };

    for key in &scope.keys {
        if let Some(owned) = key.owned() {
            add(owned.index.clone(), None);
        }
    }

    for through in &scope.through {
        add(vec![through.column.clone()], None);
    }

    for shared in scope.shared.values() {
        add(vec![shared.clone()], Some(shared.clone()));
    }

    indexes
}
