use std::collections::{BTreeMap, BTreeSet};

use super::desired::DesiredPolicy;
use crate::model::key::KeyType;
use crate::model::policy::Canonical;
use crate::model::policy::Policy;
use crate::model::privilege::Grants;
use crate::model::scope::Distribution;
use crate::name::{Identifier, TableName};
use crate::schema::fingerprint::{self, Fingerprint};

/// The actual state of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ActualTable {
    /// Whether row security is enabled.
    pub(crate) enabled: bool,
    /// Whether row security holds for the table's owner too.
    pub(crate) forced: bool,
    /// How Citus spreads the rows over its nodes, if it does.
    pub(crate) distribution: Option<Distribution>,
    /// Whether it may have rows: it, or a partition of it, has a page of them.
    pub(crate) has_rows: bool,
    /// The policies, by name.
    pub(crate) policies: BTreeMap<Identifier, ActualPolicy>,
    /// The columns, by name.
    pub(crate) columns: BTreeMap<Identifier, ActualColumn>,
    /// The foreign keys.
    pub(crate) foreign_keys: Vec<ActualForeignKey>,
    /// The valid B-tree indexes on plain columns.
    pub(crate) indexes: Vec<ActualIndex>,
    /// The grants on the table and its columns, by role.
    pub(crate) grants: BTreeMap<Identifier, Grants>,
    /// The sequences behind serial and identity columns, with the roles that may use them.
    pub(crate) sequences: BTreeMap<TableName, BTreeSet<Identifier>>,
}

/// An actual policy, with the fingerprint in its comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActualPolicy {
    pub(crate) policy: Policy<Canonical>,
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The version of its row, if it was read.
    pub(crate) version: Option<String>,
}

impl ActualPolicy {
    /// Whether this library made the policy, and nobody altered it since.
    pub(crate) fn is_unaltered(&self) -> bool {
        self.fingerprint
            .as_ref()
            .is_some_and(|fingerprint| fingerprint.actual == fingerprint::actual(&self.policy))
    }

    /// Whether it was made for this desired policy.
    pub(crate) fn is_made_for(&self, desired: &DesiredPolicy) -> bool {
        self.fingerprint
            .as_ref()
            .is_some_and(|fingerprint| fingerprint.desired == desired.fingerprint)
    }

    /// Whether it was made for this desired policy, and nobody altered it since.
    pub(crate) fn is_applied(&self, desired: &DesiredPolicy) -> bool {
        self.is_made_for(desired) && self.is_unaltered()
    }

    /// The whole comment, fingerprint included.
    pub(crate) fn comment(&self) -> Option<String> {
        let text = self.policy.comment.as_deref();
        self.fingerprint
            .as_ref()
            .map(|fingerprint| fingerprint.comment(text))
            .or_else(|| text.map(str::to_owned))
    }
}

/// A column, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActualColumn {
    /// Its type, as `format_type` prints it.
    pub(crate) sql_type: String,
    /// Its key type, if an owner column can have it.
    pub(crate) key: Option<KeyType>,
    /// Whether it refuses NULL.
    pub(crate) not_null: bool,
    /// The `NOT NULL` constraint, if it is `NOT VALID`, which can be since PostgreSQL 18.
    pub(crate) unproven: Option<Identifier>,
    /// Its default; `None` for a generated column too.
    pub(crate) default: Option<Canonical>,
    /// Whether the server computes it from other columns, and how.
    pub(crate) generated: Option<Generated>,
}

/// How the server keeps a column that it computes (`GENERATED ALWAYS AS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generated {
    Stored,
    /// It is computed when it is read, and no index holds it (since PostgreSQL 18).
    Virtual,
}

/// A foreign key, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActualForeignKey {
    /// Its constraint's name.
    pub(crate) name: Identifier,
    /// The columns that refer.
    pub(crate) columns: Vec<Identifier>,
    /// The table it refers to.
    pub(crate) table: TableName,
    /// The columns they refer to, in the same order.
    pub(crate) parent_columns: Vec<Identifier>,
    /// Its action; `None` for one that no entity can name (`SET NULL`, `SET DEFAULT`).
    pub(crate) on_delete: Option<crate::model::key::OnDelete>,
    /// Whether the rows that were there before it are checked.
    pub(crate) validated: bool,
    /// Whether the server enforces it; `NOT ENFORCED` can be since PostgreSQL 18.
    pub(crate) enforced: bool,
    /// What is said of it but for its columns and the validation.
    pub(crate) clauses: KeyClauses,
    /// As `pg_get_constraintdef` prints it.
    pub(crate) definition: String,
}

/// The clauses of a foreign key, in SQL, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyClauses {
    /// `MATCH` and `ON UPDATE`, if they are not the defaults.
    pub(crate) before: String,
    /// The action on deletion.
    pub(crate) on_delete: String,
    /// `DEFERRABLE`, `INITIALLY DEFERRED`.
    pub(crate) after: String,
}

/// An index, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActualIndex {
    pub(crate) columns: Vec<Identifier>,
    /// The boolean column that is the predicate of a partial index; indexes with other predicates
    /// are not read.
    pub(crate) only: Option<Identifier>,
    /// Whether it is unique, and checked at once.
    pub(crate) unique: bool,
}
