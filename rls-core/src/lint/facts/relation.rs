use std::collections::{BTreeMap, BTreeSet};

use super::Oid;
use crate::name::{Identifier, TableName};

/// What stands under a relation's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) enum Kind {
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
pub(in crate::lint) struct Relation {
    pub(in crate::lint) name: TableName,
    pub(in crate::lint) kind: Kind,
    pub(in crate::lint) enabled: bool,
    pub(in crate::lint) forced: bool,
    pub(in crate::lint) owner: Oid,
    pub(in crate::lint) owner_name: Identifier,
    pub(in crate::lint) owner_bypasses: bool,
    /// Whether a view reads as who asks it.
    pub(in crate::lint) invoker: bool,
    /// Whether an extension made it.
    pub(in crate::lint) of_extension: bool,
    /// Whether it has partitions, or would.
    pub(in crate::lint) partitioned: bool,
    /// Whether a crash of the server empties it.
    pub(in crate::lint) unlogged: bool,
    /// The table whose column takes its values from this sequence.
    pub(in crate::lint) serves: Option<Oid>,
}

/// Which relation inherits from which, as partition or child.
#[derive(Debug, Default)]
pub(in crate::lint) struct Inheritance {
    parents: BTreeMap<Oid, BTreeSet<Oid>>,
    children: BTreeMap<Oid, BTreeSet<Oid>>,
}

impl Inheritance {
    pub(in crate::lint) fn insert(&mut self, child: Oid, parent: Oid) {
        self.parents.entry(child).or_default().insert(parent);
        self.children.entry(parent).or_default().insert(child);
    }

    /// All that a relation inherits from, however far up.
    pub(in crate::lint) fn ancestors(&self, of: Oid) -> BTreeSet<Oid> {
        along(&self.parents, of)
    }

    /// What inherits from a relation itself.
    pub(in crate::lint) fn children(&self, of: Oid) -> impl Iterator<Item = Oid> {
        self.children.get(&of).into_iter().flatten().copied()
    }

    /// All that inherit from a relation, however far down.
    pub(in crate::lint) fn descendants(&self, of: Oid) -> BTreeSet<Oid> {
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
pub(in crate::lint) struct Column {
    /// As `format_type` prints it.
    pub(in crate::lint) sql_type: String,
    pub(in crate::lint) not_null: bool,
    /// The constraint that says so, and is `NOT VALID`.
    pub(in crate::lint) unproven: Option<Identifier>,
    /// Whether a sequence gives it its values.
    pub(in crate::lint) serial: bool,
    /// Whether equal texts are the same text.
    pub(in crate::lint) deterministic: bool,
}

/// An index.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is what the catalog says of the index"
)]
pub(in crate::lint) struct IndexFact {
    pub(in crate::lint) relation: Oid,
    pub(in crate::lint) name: TableName,
    /// `None` for an expression.
    pub(in crate::lint) columns: Vec<Option<Identifier>>,
    pub(in crate::lint) unique: bool,
    /// The boolean column that its `WHERE` is.
    pub(in crate::lint) only: Option<Identifier>,
    /// Whether it holds some rows alone.
    pub(in crate::lint) partial: bool,
    pub(in crate::lint) btree: bool,
    pub(in crate::lint) valid: bool,
    /// Whether the operators of its first column may run before policies do.
    pub(in crate::lint) leakproof: bool,
}

/// A foreign key.
#[derive(Debug)]
pub(in crate::lint) struct ForeignKeyFact {
    pub(in crate::lint) relation: Oid,
    pub(in crate::lint) name: Identifier,
    pub(in crate::lint) columns: Vec<Identifier>,
    pub(in crate::lint) parent: Oid,
    pub(in crate::lint) parent_columns: Vec<Identifier>,
    pub(in crate::lint) validated: bool,
    /// Whether the server looks at it at all.
    pub(in crate::lint) enforced: bool,
    /// What it does to rows, where it is not to refuse: `ON DELETE CASCADE` and so on.
    pub(in crate::lint) acts: Vec<String>,
}
