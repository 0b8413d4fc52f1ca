//! Rows before and after their insert.

use std::collections::BTreeMap;

use crate::name::{Identifier, TableName};
use crate::sql;

/// The columns of an insert, with the SQL of their values.
pub(super) type Draft = BTreeMap<Identifier, String>;

/// A row that was inserted.
#[derive(Clone)]
pub(super) struct Made {
    /// What [`row_id`] reads.
    pub(super) id: String,
    pub(super) values: BTreeMap<Identifier, Option<String>>,
}

/// The SQL of a row's id: its table and `ctid`, which reading and locking do not change. Partitions
/// of one table may use the same `ctid`.
pub(super) fn row_id(alias: &str) -> String {
    format!("({alias}.tableoid::pg_catalog.int8::pg_catalog.text || {alias}.ctid::pg_catalog.text)")
}

/// `INSERT INTO … VALUES …`, under the alias `made`.
pub(super) fn insert(table: &TableName, draft: &Draft) -> String {
    let table = sql::table(table);
    if draft.is_empty() {
        return format!("INSERT INTO {table} AS made DEFAULT VALUES");
    }

    let columns: Vec<String> = draft.keys().map(sql::identifier).collect();
    let values: Vec<&str> = draft.values().map(String::as_str).collect();

    format!(
        "INSERT INTO {table} AS made ({}) OVERRIDING SYSTEM VALUE VALUES ({})",
        columns.join(", "),
        values.join(", ")
    )
}

pub(super) fn text(text: &str) -> String {
    sql::known_literal(text)
}
