//! The keys that keep references with their owner.

use std::cmp::Reverse;

use super::table::Table;
use crate::name::Identifier;
use crate::schema::plan::{Change, ForeignKeyChange, IndexChange, TableChange};
use crate::schema::table::serves::{self, KeyFit};
use crate::schema::table::{ActualForeignKey, ActualIndex, DesiredBound, KeyClauses};
use crate::schema::used::UsedNames;
use crate::sql;

/// First the unique indexes that the keys refer to, then the keys.
pub(super) fn keys(tables: &[Table<'_>], used: &mut UsedNames, changes: &mut Vec<Change>) {
    let bound = || {
        let each = |table| move |bound| (table, bound);
        tables
            .iter()
            .flat_map(move |table| table.desired.bound.iter().map(each(table)))
    };

    for (_, bound) in bound() {
        unique(tables, bound, used, changes);
    }

    for (table, bound) in bound() {
        key(table, bound, used, changes);
    }
}

fn unique(
    tables: &[Table<'_>],
    bound: &DesiredBound,
    used: &mut UsedNames,
    changes: &mut Vec<Change>,
) {
    let columns: Vec<Identifier> = bound.columns.iter().map(|(_, of)| of.clone()).collect();
    let serves = |index: &ActualIndex| {
        index.unique
            && index.only.is_none()
            && index.columns.len() == columns.len()
            && columns.iter().all(|column| index.columns.contains(column))
    };
    let parent = tables.iter().find(|it| it.desired.table == bound.parent);

    // Another table's reference may need the same.
    let is_planned = changes.iter().any(|change| {
        matches!(change, Change::Table(of, TableChange::Index(IndexChange::CreateUnique { columns: made, .. }))
            if *of == bound.parent && *made == columns)
    });

    if is_planned || parent.is_none_or(|parent| parent.actual.indexes.iter().any(serves)) {
        return;
    }

    let creates = used.create_unique(&bound.parent, columns).into_iter();
    changes.extend(creates.map(|change| Change::on(bound.parent.clone(), change)));
}

fn key(table: &Table<'_>, bound: &DesiredBound, used: &mut UsedNames, changes: &mut Vec<Change>) {
    let name = &table.desired.table;
    let keys = &table.actual.foreign_keys;
    let best = keys
        .iter()
        .map(|key| (serves::bound(bound, &key.into()), key))
        .min_by_key(|(fit, _)| Reverse(*fit));

    let change = match best {
        Some((KeyFit::Serves, _)) => return,
        Some((KeyFit::Unproven, key)) => ForeignKeyChange::Validate {
            name: key.name.clone(),
            parent: key.table.clone(),
        },
        Some((KeyFit::NotEnforced, key)) => bind(bound, key.name.clone(), Some(key)),
        _ => {
            if let Some(key) = keys.iter().find(|key| is_plain(bound, key)) {
                bind(bound, key.name.clone(), Some(key))
            } else {
                let own: Vec<Identifier> = bound.columns.iter().map(|it| it.0.clone()).collect();
                bind(bound, used.foreign_key(name, &own), None)
            }
        }
    };

    changes.push(Change::on(name.clone(), change));
}

/// Whether a key has the reference alone.
fn is_plain(bound: &DesiredBound, key: &ActualForeignKey) -> bool {
    let reference = bound.columns.last().map(|(own, of)| (own, of));
    let columns = (key.columns.as_slice(), key.parent_columns.as_slice());

    matches!(columns, ([own], [of]) if Some((own, of)) == reference) && key.table == bound.parent
}

/// The key with the owner in it, with all else that is said of the actual one. An action that clears
/// the reference leaves the owner.
fn bind(
    bound: &DesiredBound,
    name: Identifier,
    actual: Option<&ActualForeignKey>,
) -> ForeignKeyChange {
    let clauses = actual.map(|key| &key.clauses).cloned();
    let KeyClauses {
        before,
        on_delete,
        after,
    } = clauses.unwrap_or_else(|| KeyClauses {
        on_delete: "NO ACTION".to_owned(),
        ..KeyClauses::default()
    });

    let (own, of): (Vec<String>, Vec<String>) = bound
        .columns
        .iter()
        .map(|(own, of)| (sql::identifier(own), sql::identifier(of)))
        .unzip();
    let reference = own.last().cloned().unwrap_or_default();
    let cleared = match on_delete.as_str() {
        "SET NULL" | "SET DEFAULT" => format!(" ({reference})"),
        _ => String::new(),
    };

    // Of one column, `MATCH FULL` says nothing. With the owner, it would refuse a reference that is
    // NULL.
    let before = before.replacen(" MATCH FULL", "", 1);

    ForeignKeyChange::Bind {
        name,
        parent: bound.parent.clone(),
        columns: bound.columns.clone(),
        definition: format!(
            "FOREIGN KEY ({}) REFERENCES {} ({}){before} ON DELETE {on_delete}{cleared}{after}",
            own.join(", "),
            sql::table(&bound.parent),
            of.join(", ")
        ),
        was: actual.map(|key| key.definition.clone()),
    }
}
