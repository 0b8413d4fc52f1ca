use super::revokes;
use crate::doctor::case::Case;
use crate::doctor::facts::{Grantee, Kind, Oid};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::sql::table;

/// The first version whose views can read as who asks them.
const INVOKER: i32 = 150_000;

pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    for (oid, view) in &case.facts.relations {
        let bases = case
            .facts
            .readers
            .range((*oid, Oid::MIN)..=(*oid, Oid::MAX));

        let Some((base, _)) = bases
            .into_iter()
            .find_map(|(_, base)| case.rows_behind(*base))
        else {
            continue;
        };

        let grantees: Vec<Grantee> = case
            .grants_on(*oid)
            .iter()
            .map(|grant| grant.grantee.clone())
            .collect();

        if grantees.is_empty() {
            continue;
        }

        let name = table(&view.name);
        let revoke = || {
            revokes(
                |grantee| format!("REVOKE ALL ON {name} FROM {grantee}"),
                grantees.clone(),
            )
        };

        match view.kind {
            Kind::MaterializedView => {
                let why = format!(
                    "it keeps rows of `{}` as they were for its owner, and has no policies",
                    base.name
                );
                found.push(Finding::new(&rules::RLS307, &view.name, why, revoke()));
            }
            Kind::View if !view.invoker => {
                let remedy = if case.facts.server.version >= INVOKER {
                    Remedy::sql(format!("ALTER VIEW {name} SET (security_invoker = true)"))
                } else {
                    revoke()
                };

                let (rule, why) = if case.is_past_policies(view.owner, view.owner_bypasses) {
                    let why = format!(
                        "it reads `{}` as `{}`, for whom no policy holds",
                        base.name, view.owner_name
                    );
                    (&rules::RLS305, why)
                } else {
                    let why = format!(
                        "it reads `{}` as `{}`, and not as who asks",
                        base.name, view.owner_name
                    );
                    (&rules::RLS306, why)
                };

                found.push(Finding::new(rule, &view.name, why, remedy));
            }
            _ => {}
        }
    }
}
