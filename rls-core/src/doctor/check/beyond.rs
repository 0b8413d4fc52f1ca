//! What the application's role has beyond tables: on system objects, on other servers, and under
//! policies.

use super::revokes;
use super::role::{owns, without};
use crate::doctor::case::Case;
use crate::doctor::facts::{Kind, Privileges};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::sql::table;

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for Privileges {
        on,
        object,
        grantee,
        privileges,
    } in &case.facts.beyond
    {
        let remedy = Remedy::sql(format!(
            "REVOKE {privileges} ON {on} {object} FROM {grantee}"
        ));
        let has = format!("{grantee} has {privileges}");

        if on == "FOREIGN SERVER" {
            let why = format!("{has}: a foreign table of its own shows what that server allows");
            findings.push(Finding::new(&rules::RLS318, object, why, remedy));
        } else {
            let why = format!("{has}, which a new server grants to nobody");
            findings.push(Finding::new(&rules::RLS018, object, why, remedy));
        }
    }

    foreign_tables(case, findings);
    supports(case, findings);

    for function in &case.facts.leakproof {
        let why = "a query may run it before policies, on rows that they hide, and it may reveal \
                   them";
        let remedy = Remedy::sql(format!("ALTER FUNCTION {function} NOT LEAKPROOF"));
        findings.push(Finding::new(&rules::RLS317, function, why, remedy));
    }
}

fn foreign_tables(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let foreign = case
        .facts
        .relations
        .iter()
        .filter(|(_, relation)| relation.kind == Kind::Foreign);

    for (oid, relation) in foreign {
        let is_reported = case.rows_behind(*oid).is_some()
            || case
                .tables
                .iter()
                .any(|table| table.actual.is_some_and(|(actual, _)| actual == *oid));

        if is_reported || case.grants_on(*oid).is_empty() {
            continue;
        }

        let why = "its rows come from another server, read as its user mapping says, and no \
                   policy here applies to them";
        let name = table(&relation.name);
        let remedy = revokes(
            |grantee| format!("REVOKE ALL ON {name} FROM {grantee}"),
            case.grantees_on(*oid),
        );

        findings.push(Finding::new(&rules::RLS318, &relation.name, why, remedy));
    }
}

fn supports(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let app = case.config.app_role();
    for support in &case.facts.supports {
        let Some(role) = case.facts.app_is(support.owner) else {
            continue;
        };
        let why = format!(
            "{}, and `DROP … CASCADE` drops policy `{}` of `{}` with it",
            owns(app, role),
            support.policy,
            support.table
        );

        let remedy = match &role.via {
            None => Remedy::sql(format!(
                "ALTER {} {} OWNER TO CURRENT_USER",
                support.kind, support.object
            )),
            Some(_) => without(app, role, &[]),
        };

        findings.push(Finding::new(&rules::RLS019, &support.object, why, remedy));
    }
}
