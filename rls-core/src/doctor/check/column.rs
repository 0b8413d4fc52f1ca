//! The owner columns: those that say which user or tenant a row belongs to.

use crate::doctor::case::{Case, Table};
use crate::doctor::facts::{Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::model::key::KeyType;
use crate::schema::plan::{Change, ColumnChange, TableChange};
use crate::schema::table::DesiredColumn;

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for (oid, relation, registered) in case.scoped() {
        for desired in &registered.desired.columns {
            column(case, (oid, relation), desired, findings);
        }

        references(case, (oid, relation), registered, findings);
    }

    defaults(case, findings);
}

fn column(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    desired: &DesiredColumn,
    findings: &mut Vec<Finding>,
) {
    let object = format!("{}.{}", relation.name, desired.name);
    let Some(column) = case.column(oid, &desired.name) else {
        let why = "no policy can tell which user or tenant a row belongs to";
        findings.push(Finding::new(&rules::RLS201, object, why, Remedy::Migrate));
        return;
    };

    if !column.not_null || column.unproven.is_some() {
        let why = "a row without an owner belongs to nobody: no user can read or repair it";
        let set = ColumnChange::SetNotNull {
            backfill: None,
            unproven: column.unproven.clone(),
        };
        let set = Change::on(
            relation.name.clone(),
            TableChange::Column(desired.name.clone(), set),
        );

        findings.push(Finding::new(
            &rules::RLS202,
            &object,
            why,
            Remedy::statements(relation.owned(), set.sql()),
        ));
    }

    if desired.key == KeyType::Text && !column.deterministic {
        findings.push(loose(object));
    }
}

/// Both sides of a reference through which rows belong to someone. The parent may be registered or
/// not.
fn references(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    registered: &Table<'_>,
    findings: &mut Vec<Finding>,
) {
    for through in &registered.scope.through {
        let parent = through.parent.found_in(&case.facts.server.schemas);
        let parent = case
            .facts
            .relations
            .iter()
            .find(|(_, relation)| relation.name == parent);

        let sides = [
            Some((oid, relation, &through.column)),
            parent.map(|(oid, it)| (*oid, it, &through.parent_column)),
        ];

        for (oid, relation, column) in sides.into_iter().flatten() {
            let object = format!("{}.{column}", relation.name);
            let is_loose = case
                .column(oid, column)
                .is_some_and(|column| !column.deterministic);

            if is_loose
                && !findings
                    .iter()
                    .any(|it| it.rule == &rules::RLS207 && it.object == object)
            {
                findings.push(loose(object));
            }
        }
    }
}

fn loose(object: String) -> Finding {
    let why = "its collation treats different texts as equal, so a user can own rows of another";
    let remedy =
        Remedy::words("give the column a deterministic collation, such as `COLLATE \"C\"`");
    Finding::new(&rules::RLS207, object, why, remedy)
}

fn defaults(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for change in case.plan.iter().flat_map(|plan| plan.changes()) {
        if let Change::Table(table, TableChange::Column(column, ColumnChange::SetDefault { .. })) =
            change
            && *table != case.audit().0
            && let Some((_, relation, _)) = case
                .scoped()
                .find(|(_, relation, _)| relation.name == *table)
        {
            let object = format!("{table}.{column}");
            let why = "an insert that names no owner gets none or a wrong one, and is refused";

            findings.push(Finding::new(
                &rules::RLS206,
                object,
                why,
                Remedy::statements(relation.owned(), change.sql()),
            ));
        }
    }
}
