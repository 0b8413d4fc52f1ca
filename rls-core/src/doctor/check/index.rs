//! The indexes that policies need.

use crate::doctor::case::Case;
use crate::doctor::facts::{IndexFact, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::name::Identifier;
use crate::schema::plan::{Change, IndexChange};
use crate::schema::table::DesiredIndex;
use crate::schema::table::serves::{self, Index, IndexFit};
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

    let create = IndexChange::Create {
        columns: desired.columns.clone(),
        only: desired.only.clone(),
    };

    // A `CREATE INDEX CONCURRENTLY` of this name that failed left an invalid index. Another invalid
    // index may be someone's unique key, and stays.
    let name = create.name(&relation.name.table);
    let left = fits.iter().filter(|(fit, index)| {
        *fit == IndexFit::Invalid && !index.unique && index.name.table == name
    });
    let drop = left.map(|(_, index)| format!("DROP INDEX {}", table(&index.name)));
    let create = Change::on(relation.name.clone(), create);

    let columns: Vec<&str> = desired.columns.iter().map(Identifier::as_str).collect();

    Some(Finding::new(
        &rules::RLS203,
        format!("{}.{}", relation.name, columns.join(",")),
        "each query of a user reads the whole table",
        Remedy::statements(relation.owned(), drop.chain(create.sql()).collect()),
    ))
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
