//! Who owns the domains that carry contexts, and the function of the one that records. Their
//! definitions are compared by the plan.

use super::role::{give, owns};
use crate::doctor::case::Case;
use crate::doctor::facts::{CarrierKind, ReachedRole};
use crate::doctor::finding::Finding;
use crate::doctor::rules;
use crate::sql::table;

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let (app, admin) = (case.config.app_role(), case.config.admin_role());

    // A role that bypasses policies has all rights everywhere, which says nothing of these.
    let is_plain = |role: &&ReachedRole| role.bypasses.is_empty();

    for carrier in &case.facts.carriers {
        let of_app = case.facts.app_is(carrier.owner).filter(is_plain);
        let of_admin = case.facts.admin_is(carrier.owner).filter(is_plain);

        let (rule, who, reached, why) = match (carrier.kind, of_app, of_admin) {
            (CarrierKind::Domain, Some(role), _) => {
                let why = "an owner can change the context that it carries";
                (&rules::RLS020, app, role, why)
            }
            (CarrierKind::Domain, None, Some(role)) => {
                let why = "an owner can change the context that it carries, of every user";
                (&rules::RLS014, admin, role, why)
            }
            (CarrierKind::Function, Some(role), _) => (
                &rules::RLS502,
                app,
                role,
                "an owner can leave the record out",
            ),
            (CarrierKind::Function, None, Some(role)) => (
                &rules::RLS502,
                admin,
                role,
                "an owner can leave the record out",
            ),
            (_, None, None) => continue,
        };

        let why = format!("{}, and {why}", owns(who, reached));
        let name = table(&carrier.name);
        let what = match carrier.kind {
            CarrierKind::Domain => format!("DOMAIN {name}"),
            CarrierKind::Function => format!("FUNCTION {name}(text)"),
        };
        let remedy = give(case, who, reached, &what);
        findings.push(Finding::new(rule, &carrier.name, why, remedy));
    }
}
