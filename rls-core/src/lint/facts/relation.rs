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
#[expect(clippy::struct_excessive_bools, reason = "each is what the catalog says of the relation")]
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
}

/// A column.
#[derive(Debug)]
pub(in crate::lint) struct Column {
    /// As `format_type` prints it.
    pub(in crate::lint) sql_type: String,
    pub(in crate::lint) not_null: bool,
    /// Whether a sequence gives it its values.
    pub(in crate::lint) serial: bool,
    /// Whether equal texts are the same text.
    pub(in crate::lint) deterministic: bool,
}

/// An index.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is what the catalog says of the index")]
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
    /// What it does to rows, where it is not to refuse: `ON DELETE CASCADE` and so on.
    pub(in crate::lint) acts: Vec<String>,
}
