//! The row security of one table as data: what is asked for, or what the catalog holds.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::RlsConfig;
use crate::name::{Identifier, TableName};
use crate::policy::{self, Expression, Policy};
use crate::scope::{ForeignKey, KeyType, OnDelete, Scope, ScopeKind};

/// A privilege on a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privilege {
    /// `SELECT`.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `TRUNCATE`, which no policy stops.
    Truncate,
    /// `REFERENCES`: a foreign key of one's own tells whether a hidden row exists.
    References,
    /// `TRIGGER`: a trigger of one's own sees every row written.
    Trigger,
    /// `MAINTAIN` (`VACUUM`, `CLUSTER` and the like; since PostgreSQL 17).
    Maintain,
}

impl Privilege {
    /// What the two roles get on a scoped table.
    pub const READ_WRITE: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// PostgreSQL's word.
    #[must_use]
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
            Self::References => "REFERENCES",
            Self::Trigger => "TRIGGER",
            Self::Maintain => "MAINTAIN",
        }
    }

    /// From PostgreSQL's word.
    #[must_use]
    pub fn from_sql(word: &str) -> Option<Self> {
        let all = [
            Self::Select,
            Self::Insert,
            Self::Update,
            Self::Delete,
            Self::Truncate,
            Self::References,
            Self::Trigger,
            Self::Maintain,
        ];
        all.into_iter().find(|privilege| privilege.as_sql() == word)
    }
}

/// The part of a table's row security that asked and actual are compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRls<E> {
    /// Whether row security is enabled.
    pub enabled: bool,
    /// Whether it holds for the table's owner too.
    pub forced: bool,
    /// The policies, by name.
    pub policies: BTreeMap<Identifier, Policy<E>>,
    /// The owner column's default.
    pub default: Option<E>,
}

/// All that one registered table should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The table, with its schema.
    pub table: TableName,
    /// The owner column.
    pub owner: Identifier,
    /// Its type.
    pub key: KeyType,
    /// Flags, policies, default.
    pub rls: TableRls<Expression>,
    /// Policies in the order in which they are created.
    pub policies: Vec<Policy<Expression>>,
    /// The foreign key to the identity.
    pub foreign_key: Option<ForeignKey>,
    /// The columns of the index; empty for an identity, whose primary key serves.
    pub index: Vec<Identifier>,
    /// The owner of existing rows, as an SQL expression.
    pub backfill: Option<String>,
    /// Whether the column may be added: an identity's key is the table's own.
    pub owned: bool,
}

impl Desired {
    /// What `scope` asks for, with `schema` where it names none.
    #[must_use]
    pub fn new(scope: &Scope, config: &RlsConfig, schema: &Identifier) -> Self {
        let policies = policy::of(scope, config);
        let (foreign_key, index, default, backfill, owned) = match &scope.kind {
            ScopeKind::Identity => (None, Vec::new(), false, None, false),
            ScopeKind::Owned(owned) => {
                let foreign_key =
                    owned.foreign_key.as_ref().map(|key| ForeignKey { table: key.table.or_in(schema), ..key.clone() });
                (foreign_key, owned.index.clone(), owned.default, owned.backfill.clone(), true)
            }
        };
        Self {
            table: scope.table.or_in(schema),
            owner: scope.owner.clone(),
            key: scope.key,
            rls: TableRls {
                enabled: config.enabled(),
                forced: config.force(),
                policies: policies.iter().map(|policy| (policy.name.clone(), policy.clone())).collect(),
                default: default.then(|| Expression::Current { setting: scope.setting.clone(), key: scope.key }),
            },
            policies,
            foreign_key,
            index,
            backfill,
            owned,
        }
    }
}

/// What the catalog holds of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actual<E> {
    /// Flags, policies, default.
    pub rls: TableRls<E>,
    /// The owner column, where there is one.
    pub column: Option<ActualColumn>,
    /// The foreign keys of the owner column alone.
    pub foreign_keys: Vec<ActualForeignKey>,
    /// The columns of each complete, valid B-tree index.
    pub indexes: Vec<Vec<Identifier>>,
    /// The grants on the table, by role.
    pub grants: BTreeMap<Identifier, BTreeSet<Privilege>>,
    /// The sequences behind serial and identity columns, with the roles that may use them.
    pub sequences: BTreeMap<TableName, BTreeSet<Identifier>>,
}

/// The owner column, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActualColumn {
    /// Its type, as `format_type` prints it.
    pub sql_type: String,
    /// Its key type, where it can be an owner's.
    pub key: Option<KeyType>,
    /// Whether it refuses NULL.
    pub not_null: bool,
}

/// A foreign key, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActualForeignKey {
    /// Its constraint's name.
    pub name: Identifier,
    /// The table it refers to.
    pub table: TableName,
    /// The column it refers to.
    pub column: Identifier,
    /// Its action; `None` for one no owner can have (`SET NULL`, `SET DEFAULT`).
    pub on_delete: Option<OnDelete>,
}
