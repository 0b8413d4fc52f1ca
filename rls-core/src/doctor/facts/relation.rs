use std::collections::{BTreeMap, BTreeSet};

use super::Oid;
use crate::doctor::remedy::RunAs;
use crate::model::key::OnDelete;
use crate::name::{Identifier, TableName};

/// What kind of relation has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::doctor) enum Kind {
    Table,
    View,
    MaterializedView,
    Sequence,
    Foreign,
}

/// A table, view or sequence.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the catalog has a flag for each"
)]
pub(in crate::doctor) struct Relation {
    pub(in crate::doctor) name: TableName,
    pub(in crate::doctor) kind: Kind,
    pub(in crate::doctor) enabled: bool,
    pub(in crate::doctor) forced: bool,
    pub(in crate::doctor) owner: Oid,
    pub(in crate::doctor) owner_name: Identifier,
    pub(in crate::doctor) owner_bypasses: bool,
    /// Whether a view reads as its reader (`security_invoker`).
    pub(in crate::doctor) invoker: bool,
    /// Whether it belongs to an extension.
    pub(in crate::doctor) of_extension: bool,
    /// Whether it is a partitioned table.
    pub(in crate::doctor) partitioned: bool,
    /// Whether a crash of the server empties it.
    pub(in crate::doctor) unlogged: bool,
    /// The table with the column that this sequence numbers.
    pub(in crate::doctor) serves: Option<Oid>,
}

impl Relation {
    /// Who can change it.
    pub(in crate::doctor) fn owned(&self) -> RunAs {
        RunAs::Role(self.owner_name.clone())
    }
}

/// Which relation inherits from which, as a partition or a child.
#[derive(Debug, Default)]
pub(in crate::doctor) struct Inheritance {
    parents: BTreeMap<Oid, BTreeSet<Oid>>,
    children: BTreeMap<Oid, BTreeSet<Oid>>,
}

impl Inheritance {
    pub(in crate::doctor) fn insert(&mut self, child: Oid, parent: Oid) {
        self.parents.entry(child).or_default().insert(parent);
        self.children.entry(parent).or_default().insert(child);
    }

    /// All relations that this one inherits from, at any distance.
    pub(in crate::doctor) fn ancestors(&self, of: Oid) -> BTreeSet<Oid> {
        along(&self.parents, of)
    }

    /// The relations that inherit from this one directly.
    pub(in crate::doctor) fn children(&self, of: Oid) -> impl Iterator<Item = Oid> {
        self.children.get(&of).into_iter().flatten().copied()
    }

    /// All relations that inherit from this one, at any distance.
    pub(in crate::doctor) fn descendants(&self, of: Oid) -> BTreeSet<Oid> {
        along(&self.children, of)
    }
}

fn along(way: &BTreeMap<Oid, BTreeSet<Oid>>, of: Oid) -> BTreeSet<Oid> {
    let mut reached = BTreeSet::new();
    let mut pending = vec![of];

    while let Some(oid) = pending.pop() {
        pending.extend(
            way.get(&oid)
                .into_iter()
                .flatten()
                .filter(|next| reached.insert(**next)),
        );
    }

    reached
}

/// A column.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the catalog has a flag for each"
)]
pub(in crate::doctor) struct Column {
    /// As `format_type` prints it.
    pub(in crate::doctor) sql_type: String,
    pub(in crate::doctor) not_null: bool,
    /// The constraint that makes it `NOT NULL` and is `NOT VALID`.
    pub(in crate::doctor) unproven: Option<Identifier>,
    /// Whether a sequence numbers it.
    pub(in crate::doctor) serial: bool,
    /// Whether the server computes it when it is read, and so makes no index of it.
    pub(in crate::doctor) is_virtual: bool,
    /// Whether its collation treats only identical texts as equal.
    pub(in crate::doctor) deterministic: bool,
}

/// An index.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the catalog has a flag for each"
)]
pub(in crate::doctor) struct IndexFact {
    pub(in crate::doctor) relation: Oid,
    pub(in crate::doctor) name: TableName,
    /// `None` for an expression.
    pub(in crate::doctor) columns: Vec<Option<Identifier>>,
    pub(in crate::doctor) unique: bool,
    /// The boolean column that its `WHERE` is.
    pub(in crate::doctor) only: Option<Identifier>,
    /// Whether it has a `WHERE`.
    pub(in crate::doctor) partial: bool,
    pub(in crate::doctor) btree: bool,
    pub(in crate::doctor) valid: bool,
    /// Whether the operators of its first column are leakproof, so that they may run before
    /// policies.
    pub(in crate::doctor) leakproof: bool,
    /// Whether a column is indexed for `LIKE`.
    pub(in crate::doctor) patterns: bool,
}

/// A foreign key.
#[derive(Debug)]
pub(in crate::doctor) struct ForeignKeyFact {
    pub(in crate::doctor) relation: Oid,
    pub(in crate::doctor) name: Identifier,
    pub(in crate::doctor) columns: Vec<Identifier>,
    pub(in crate::doctor) parent: Oid,
    pub(in crate::doctor) parent_columns: Vec<Identifier>,
    pub(in crate::doctor) validated: bool,
    /// Whether the server checks it at all. It checks an inherited one at the parent.
    pub(in crate::doctor) enforced: bool,
    /// Whether a partition has it from its parent.
    pub(in crate::doctor) inherited: bool,
    /// `None` for an action that no owner's key can have (`SET NULL`, `SET DEFAULT`).
    pub(in crate::doctor) on_delete: Option<OnDelete>,
    /// What it does to rows instead of refusing: `ON DELETE CASCADE` and so on.
    pub(in crate::doctor) acts: Vec<String>,
}
