//! The indexes that policies need.

use crate::doctor::case::Case;
use crate::doctor::facts::{IndexFact, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::name::Identifier;
use crate::schema::plan::{Change, IndexChange, TableChange};
use crate::schema::table::DesiredIndex;
use crate::schema::table::serves::{self, Index, IndexFit};
use crate::schema::used::UsedNames;
use crate::sql::table;

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for (oid, relation, registered) in case.scoped() {
        for desired in &registered.desired.indexes {
            findings.extend(missing(case, (oid, relation), desired));
        }
    }
}

fn missing(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    desired: &DesiredIndex,
) -> Option<Finding> {
    let fits: Vec<(IndexFit, &IndexFact)> = case
        .facts
        .indexes
        .iter()
        .filter(|index| index.relation == oid)
        .map(|index| (fit(desired, index), index))
        .collect();

    if fits.iter().any(|(fit, _)| *fit == IndexFit::Serves) {
        return None;
    }

    let columns: Vec<&str> = desired.columns.iter().map(Identifier::as_str).collect();
    let missing = |remedy| {
        let object = format!("{}.{}", relation.name, columns.join(","));
        let why = "each query of a user reads the whole table";
        Some(Finding::new(&rules::RLS203, object, why, remedy))
    };

    let is_virtual = |column| case.column(oid, column).is_some_and(|it| it.is_virtual);
    if desired.columns.iter().any(is_virtual) {
        return missing(Remedy::words(
            "PostgreSQL makes no index of a VIRTUAL column: let a migration make it STORED",
        ));
    }

    let create = create(case, relation, desired);
    let name = create.name().clone();

    // A `CREATE INDEX CONCURRENTLY` of this name that failed left an invalid index. Another invalid
    // index may be someone's unique key, and stays.
    let left = fits.iter().filter(|(fit, index)| {
        *fit == IndexFit::Invalid && !index.unique && index.name.table == name
    });
    let drop = left.map(|(_, index)| format!("DROP INDEX {}", table(&index.name)));
    let create = Change::on(relation.name.clone(), create);

    missing(Remedy::statements(
        relation.owned(),
        drop.chain(create.sql()).collect(),
    ))
}

/// The change that creates the index: the plan's, whose name is free, or one with the usual name.
fn create(case: &Case<'_>, relation: &Relation, desired: &DesiredIndex) -> IndexChange {
    let is_it = |change: &IndexChange| {
        matches!(change, IndexChange::Create { columns, only, .. }
            if *columns == desired.columns && *only == desired.only)
    };

    let planned = case
        .planned(&relation.name)
        .find_map(|change| match change {
            TableChange::Index(change) => is_it(change).then(|| change.clone()),
            _ => None,
        });

    planned.unwrap_or_else(|| {
        let mut usual = UsedNames::default().create_index(&relation.name, desired);
        usual.remove(0)
    })
}

fn fit(desired: &DesiredIndex, index: &IndexFact) -> IndexFit {
    let actual = Index {
        columns: index.columns.iter().map(Option::as_ref).collect(),
        only: index.only.as_ref(),
        partial: index.partial,
        btree: index.btree,
        valid: index.valid,
    };

    serves::index(desired, &actual)
}
