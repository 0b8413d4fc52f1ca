//! What is granted to the application's role beside tables: of the server's own, of other servers, and
//! under policies.

use super::revokes;
use super::role::without;
use crate::doctor::case::Case;
use crate::doctor::facts::{Granted, Grantee, Kind};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::sql::table;

pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    for Granted {
        on,
        object,
        grantee,
        privileges,
    } in &case.facts.granted
    {
        let remedy = Remedy::sql(format!(
            "REVOKE {privileges} ON {on} {object} FROM {grantee}"
        ));
        if on == "FOREIGN SERVER" {
            let why = format!(
                "{grantee} has {privileges}: foreign tables of one's own show what that server \
                 lets through"
            );
            found.push(Finding::new(&rules::RLS318, object, why, remedy));
        } else {
            let why =
                format!("{grantee} has {privileges}, which the server gives nobody by itself");
            found.push(Finding::new(&rules::RLS018, object, why, remedy));
        }
    }

    foreign_tables(case, found);
    supports(case, found);

    for function in &case.facts.leakproof {
        let why = "in a query it may run before policies do, on rows that they hide, and tell what \
                   it saw";
        let remedy = Remedy::sql(format!("ALTER FUNCTION {function} NOT LEAKPROOF"));
        found.push(Finding::new(&rules::RLS317, function, why, remedy));
    }
}

fn foreign_tables(case: &Case<'_>, found: &mut Vec<Finding>) {
    let foreign = case
        .facts
        .relations
        .iter()
        .filter(|(_, relation)| relation.kind == Kind::Foreign);

    for (oid, relation) in foreign {
        let grantees: Vec<Grantee> = case
            .grants_on(*oid)
            .iter()
            .map(|grant| grant.grantee.clone())
            .collect();

        let is_told = case.rows_behind(*oid).is_some()
            || case
                .tables
                .iter()
                .any(|table| table.found.is_some_and(|(found, _)| found == *oid));

        if is_told || grantees.is_empty() {
            continue;
        }

        let why = "its rows are another server's, read as whoever its user mapping says, and no \
                   policy here holds them";
        let name = table(&relation.name);
        let remedy = revokes(
            |grantee| format!("REVOKE ALL ON {name} FROM {grantee}"),
            grantees,
        );

        found.push(Finding::new(&rules::RLS318, &relation.name, why, remedy));
    }
}

fn supports(case: &Case<'_>, found: &mut Vec<Finding>) {
    let app = case.config.app_role();
    for support in &case.facts.supports {
        let Some(role) = case.facts.app_is(support.owner) else {
            continue;
        };
        let why = format!(
            "`{app}` is its owner `{}`, or a member of it: `DROP … CASCADE` takes policy `{}` of \
             `{}` with it",
            role.name, support.policy, support.table
        );

        let remedy = match &role.via {
            None => Remedy::sql(format!(
                "ALTER {} {} OWNER TO CURRENT_USER",
                support.kind, support.object
            )),
            Some(_) => without(app, role, &[]),
        };

        found.push(Finding::new(&rules::RLS019, &support.object, why, remedy));
    }
}
