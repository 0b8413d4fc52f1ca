//! Views and materialized views over scoped tables.

use super::revokes;
use crate::doctor::case::Case;
use crate::doctor::facts::{Kind, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::sql::table;

/// The first version whose views can read as their reader.
const INVOKER: i32 = 150_000;

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for (oid, relation) in &case.facts.relations {
        let mut bases = case
            .facts
            .readers
            .range((*oid, Oid::MIN)..=(*oid, Oid::MAX));

        let base = bases.find_map(|(_, base)| case.rows_behind(*base));
        if let Some((base, _)) = base.filter(|_| !case.grants_on(*oid).is_empty()) {
            findings.extend(view(case, (*oid, relation), base));
        }
    }
}

fn view(case: &Case<'_>, (oid, view): (Oid, &Relation), base: &Relation) -> Option<Finding> {
    let name = table(&view.name);
    let revoke = || {
        revokes(
            &view.owner_name,
            |grantee| format!("REVOKE ALL ON {name} FROM {grantee}"),
            case.grantees_on(oid),
        )
    };

    match view.kind {
        Kind::MaterializedView => {
            let why = format!(
                "it keeps a copy of the rows of `{}` that its owner sees, and can have no policies",
                base.name
            );
            Some(Finding::new(&rules::RLS307, &view.name, why, revoke()))
        }
        Kind::View if !view.invoker => {
            let remedy = if case.facts.server.version >= INVOKER {
                let alter = format!("ALTER VIEW {name} SET (security_invoker = true)");
                Remedy::sql(view.owned(), alter)
            } else {
                revoke()
            };

            let reads = format!("it reads `{}` as `{}`", base.name, view.owner_name);
            let (rule, why) = if case.is_past_policies(view.owner, view.owner_bypasses) {
                (
                    &rules::RLS305,
                    format!("{reads}, to whom no policy applies"),
                )
            } else {
                (&rules::RLS306, format!("{reads}, and not as its reader"))
            };

            Some(Finding::new(rule, &view.name, why, remedy))
        }
        _ => None,
    }
}
