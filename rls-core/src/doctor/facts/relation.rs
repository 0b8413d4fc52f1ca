use std::collections::{BTreeMap, BTreeSet};

use super::Oid;
use crate::name::{Identifier, TableName};

/// What stands under a relation's name.
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
    reason = "each is what the catalog says of the relation"
)]
pub(in crate::doctor) struct Relation {
    pub(in crate::doctor) name: TableName,
    pub(in crate::doctor) kind: Kind,
    pub(in crate::doctor) enabled: bool,
    pub(in crate::doctor) forced: bool,
    pub(in crate::doctor) owner: Oid,
    pub(in crate::doctor) owner_name: Identifier,
    pub(in crate::doctor) owner_bypasses: bool,
    /// Whether a view reads as who asks it.
    pub(in crate::doctor) invoker: bool,
    /// Whether an extension made it.
    pub(in crate::doctor) of_extension: bool,
    /// Whether it has partitions, or would.
    pub(in crate::doctor) partitioned: bool,
    /// Whether a crash of the server empties it.
    pub(in crate::doctor) unlogged: bool,
    /// The table whose column takes its values from this sequence.
    pub(in crate::doctor) serves: Option<Oid>,
}

/// Which relation inherits from which, as partition or child.
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

    /// All that a relation inherits from, however far up.
    pub(in crate::doctor) fn ancestors(&self, of: Oid) -> BTreeSet<Oid> {
        along(&self.parents, of)
    }

    /// What inherits from a relation itself.
    pub(in crate::doctor) fn children(&self, of: Oid) -> impl Iterator<Item = Oid> {
        self.children.get(&of).into_iter().flatten().copied()
    }

    /// All that inherit from a relation, however far down.
    pub(in crate::doctor) fn descendants(&self, of: Oid) -> BTreeSet<Oid> {
        along(&self.children, of)
    }
}

fn along(way: &BTreeMap<Oid, BTreeSet<Oid>>, of: Oid) -> BTreeSet<Oid> {
    let mut found = BTreeSet::new();
    let mut ask = vec![of];

    while let Some(oid) = ask.pop() {
        ask.extend(
            way.get(&oid)
                .into_iter()
                .flatten()
                .filter(|next| found.insert(**next)),
        );
    }

    found
}

/// A column.
#[derive(Debug)]
pub(in crate::doctor) struct Column {
    /// As `format_type` prints it.
    pub(in crate::doctor) sql_type: String,
    pub(in crate::doctor) not_null: bool,
    /// The constraint that says so, and is `NOT VALID`.
    pub(in crate::doctor) unproven: Option<Identifier>,
    /// Whether a sequence gives it its values.
    pub(in crate::doctor) serial: bool,
    /// Whether equal texts are the same text.
    pub(in crate::doctor) deterministic: bool,
}

/// An index.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is what the catalog says of the index"
)]
pub(in crate::doctor) struct IndexFact {
    pub(in crate::doctor) relation: Oid,
    pub(in crate::doctor) name: TableName,
    /// `None` for an expression.
    pub(in crate::doctor) columns: Vec<Option<Identifier>>,
    pub(in crate::doctor) unique: bool,
    /// The boolean column that its `WHERE` is.
    pub(in crate::doctor) only: Option<Identifier>,
    /// Whether it holds some rows alone.
    pub(in crate::doctor) partial: bool,
    pub(in crate::doctor) btree: bool,
    pub(in crate::doctor) valid: bool,
    /// Whether the operators of its first column may run before policies do.
    pub(in crate::doctor) leakproof: bool,
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
    /// Whether the server looks at it at all.
    pub(in crate::doctor) enforced: bool,
    /// What it does to rows, where it is not to refuse: `ON DELETE CASCADE` and so on.
    pub(in crate::doctor) acts: Vec<String>,
}
