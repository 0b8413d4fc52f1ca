//! Tables whose copies would be alike: of the first of them the server prints what it would print
//! of each.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Pair, column_statements, for_public};
use crate::model::expression::Expression;
use crate::name::Identifier;
use crate::schema::snapshot::CanonicalTable;
use crate::schema::table::{DesiredPolicy, DesiredTable};

/// The tables that need a copy, and each other table with the one whose copy serves it.
pub(super) struct Alike<'a> {
    pub(super) firsts: Vec<Pair<'a>>,
    pub(super) others: Vec<(&'a DesiredTable, &'a DesiredTable)>,
}

impl<'a> Alike<'a> {
    pub(super) fn of(pairs: impl Iterator<Item = Pair<'a>>) -> Self {
        let mut first_of = BTreeMap::new();
        let (mut firsts, mut others) = (Vec::new(), Vec::new());

        for pair in pairs {
            match likeness(pair).map(|likeness| first_of.entry(likeness)) {
                Some(Entry::Occupied(first)) => others.push((*first.get(), pair.0)),
                Some(Entry::Vacant(entry)) => {
                    entry.insert(pair.0);
                    firsts.push(pair);
                }
                None => firsts.push(pair),
            }
        }

        Self { firsts, others }
    }
}

/// What the server printed of the first table, with the names of the other's policies.
pub(super) fn transferred(
    printed: &CanonicalTable,
    first: &DesiredTable,
    other: &DesiredTable,
) -> CanonicalTable {
    let policies = first.policies.iter().zip(&other.policies);
    let policies = policies.filter_map(|(first, DesiredPolicy { policy: other, .. })| {
        let mut printed = printed.policies.get(&first.policy.name)?.clone();
        printed.name.clone_from(&other.name);
        printed.roles.clone_from(&other.roles);
        printed.comment.clone_from(&other.comment);
        Some((other.name.clone(), printed))
    });

    CanonicalTable {
        policies: policies.collect(),
        defaults: printed.defaults.clone(),
    }
}

/// All that the copy's print depends on but for names: the statements that dress it, and the types
/// of the columns that they name. `None` if they name anything else of the database.
fn likeness((desired, actual): Pair<'_>) -> Option<String> {
    let mut columns: Vec<&Identifier> = desired.columns.iter().map(|column| &column.name).collect();
    for DesiredPolicy { policy, .. } in &desired.policies {
        for side in [policy.using(), policy.with_check()].into_iter().flatten() {
            if !names_own_columns(side, &mut columns) {
                return None;
            }
        }
    }

    columns.sort_unstable();
    columns.dedup();
    let types: Vec<_> = columns
        .iter()
        .map(|column| (column, actual.columns.get(*column).map(|own| &own.sql_type)))
        .collect();
    let columns = column_statements((desired, actual), "copy");
    let policies = desired.policies.iter().map(for_public);
    let policies: Vec<String> = policies.map(|policy| policy.to_string()).collect();

    Some(format!("{types:?} {columns:?} {policies:?}"))
}

/// Whether the condition asks for nothing but columns of the row itself and keys of the context;
/// adds these columns.
fn names_own_columns<'a>(expression: &'a Expression, columns: &mut Vec<&'a Identifier>) -> bool {
    match expression {
        Expression::True | Expression::False | Expression::Current { .. } => true,
        Expression::All(parts) | Expression::Any(parts) => parts
            .iter()
            .all(|part| names_own_columns(part, &mut *columns)),
        Expression::First(part) => names_own_columns(part, columns),
        Expression::IsCurrent { column, .. }
        | Expression::IsCurrentOnNode { column, .. }
        | Expression::IsVerified { column, .. }
        | Expression::IsTrue(column)
        | Expression::NotDeleted(column)
        | Expression::NotDeletedRounded(column, _)
        | Expression::FirstNotDeleted(column, _) => {
            columns.push(column);
            true
        }
        _ => false,
    }
}
