//! Privileges on scoped tables and their sequences, beyond those that the migrations grant.

use std::collections::{BTreeMap, BTreeSet};

use super::revokes;
use crate::doctor::case::Case;
use crate::doctor::facts::{Grant, Grantee, Kind, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rule::Rule;
use crate::doctor::rules;
use crate::model::privilege::Privilege;
use crate::model::scope::Scope;
use crate::name::Identifier;
use crate::sql::{identifier, table};

/// Privileges that act on rows, and that no policy limits.
const UNBOUND: [&str; 4] = ["TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"];

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for (oid, relation, table) in case.scoped() {
        tables(case, (oid, relation), findings);
        columns(case, (oid, relation), table.scope, findings);
    }

    defaults(case, findings);
    sequences(case, findings);
}

fn tables(case: &Case<'_>, (oid, relation): (Oid, &Relation), findings: &mut Vec<Finding>) {
    let mut by_rule: BTreeMap<&str, (&'static Rule, ByGrantee<'_>)> = BTreeMap::new();
    let grants = case.grants_on(oid).iter();

    for grant in grants.filter(|grant| grant.column.is_none()) {
        if let Some(rule) = rule(case, grant) {
            let (_, by_grantee) = by_rule.entry(rule.id).or_insert((rule, BTreeMap::new()));
            let privileges = by_grantee.entry(&grant.grantee).or_default();
            privileges.insert(&grant.privilege);
        }
    }

    for (rule, by_grantee) in by_rule.into_values() {
        for (grantee, privileges) in by_grantee {
            let privileges = listed(&privileges);
            let name = table(&relation.name);
            let why = why(rule, grantee, &privileges);
            let revoke = format!("REVOKE {privileges} ON {name} FROM {grantee}");
            let remedy = Remedy::sql(relation.owned(), revoke);
            findings.push(Finding::new(rule, &relation.name, why, remedy));
        }
    }
}

type ByGrantee<'a> = BTreeMap<&'a Grantee, BTreeSet<&'a str>>;

/// The rule that a privilege on a scoped table breaks.
fn rule(case: &Case<'_>, grant: &Grant) -> Option<&'static Rule> {
    if UNBOUND.contains(&grant.privilege.as_str()) {
        Some(&rules::RLS301)
    } else if grant.grantee == Grantee::Public {
        Some(&rules::RLS302)
    } else {
        is_other_role(case, &grant.grantee).then_some(&rules::RLS316)
    }
}

fn why(rule: &Rule, grantee: &Grantee, privileges: &str) -> String {
    if rule == &rules::RLS301 {
        format!("{grantee} has {privileges}, which acts on every row")
    } else if rule == &rules::RLS302 {
        format!("every role has {privileges}, and only policies for PUBLIC, if any, decide")
    } else {
        format!(
            "the application can become {grantee}, which has {privileges} and which no guard \
             restricts"
        )
    }
}

/// Whether it is another role that the application can become, and no other rule reports it.
fn is_other_role(case: &Case<'_>, grantee: &Grantee) -> bool {
    let Grantee::Role(name) = grantee else {
        return false;
    };
    let reached = case.facts.app.iter().find(|role| role.name == *name);
    name != case.config.admin_role()
        && reached.is_some_and(|role| role.via.is_some() && role.bypasses.is_empty())
}

/// Reports what no entity declares.
fn columns(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    scope: &Scope,
    findings: &mut Vec<Finding>,
) {
    let name = table(&relation.name);
    let is_declared = |grant: &&Grant| {
        let privilege = Privilege::from_sql(&grant.privilege);
        let declared = privilege.and_then(|privilege| scope.columns.get(&privilege));
        grant.grantee == Grantee::Role(case.config.app_role().clone())
            && declared
                .zip(grant.column.as_ref())
                .is_some_and(|(declared, column)| declared.contains(column))
    };
    let revoke = |grant: &Grant| {
        let column = identifier(grant.column.as_ref()?);
        let Grant {
            privilege, grantee, ..
        } = grant;
        Some(format!(
            "REVOKE {privilege} ({column}) ON {name} FROM {grantee}"
        ))
    };

    let grants = case.grants_on(oid).iter();
    let statements: Vec<String> = grants
        .filter(|grant| !is_declared(grant))
        .filter_map(revoke)
        .collect();

    if !statements.is_empty() {
        let why = "no entity declares them, and they add to what the table's entity declares";
        let remedy = Remedy::statements(relation.owned(), statements);
        findings.push(Finding::new(&rules::RLS303, &relation.name, why, remedy));
    }
}

fn listed(privileges: &BTreeSet<&str>) -> String {
    privileges.iter().copied().collect::<Vec<_>>().join(", ")
}

fn defaults(case: &Case<'_>, findings: &mut Vec<Finding>) {
    type Place<'a> = (
        &'a Identifier,
        Option<&'a Identifier>,
        &'static str,
        &'a Grantee,
    );

    let mut places: BTreeMap<Place<'_>, BTreeSet<&str>> = BTreeMap::new();
    for default in &case.facts.defaults {
        let place = (
            &default.owner,
            default.schema.as_ref(),
            default.on,
            &default.grantee,
        );
        places.entry(place).or_default().insert(&default.privilege);
    }

    for ((owner, schema, on, grantee), privileges) in places {
        let place = schema.map_or_else(String::new, |schema| {
            format!(" IN SCHEMA {}", identifier(schema))
        });
        let why = format!(
            "what `{owner}` creates is granted to {grantee} ({}) before it has policies",
            listed(&privileges)
        );

        let revoke = format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {}{place} REVOKE {} ON {on} FROM {grantee}",
            identifier(owner),
            listed(&privileges)
        );

        let object = schema.map_or_else(|| "all schemas".to_owned(), ToString::to_string);

        findings.push(Finding::new(
            &rules::RLS304,
            object,
            why,
            Remedy::sql(RunAs::Role(owner.clone()), revoke),
        ));
    }
}

fn sequences(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for (oid, sequence) in case
        .facts
        .relations
        .iter()
        .filter(|(_, relation)| relation.kind == Kind::Sequence)
    {
        let is_of_scoped = sequence
            .serves
            .is_none_or(|table| case.rows_behind(table).is_some());
        let readers: Vec<Grantee> = case
            .grants_on(*oid)
            .iter()
            .filter(|grant| grant.privilege != "USAGE")
            .map(|grant| grant.grantee.clone())
            .collect();

        if is_of_scoped && !readers.is_empty() {
            let why = "its last value tells how many rows all users have made, and `setval` \
                       changes it";
            let name = table(&sequence.name);
            let remedy = revokes(
                &sequence.owner_name,
                |grantee| format!("REVOKE SELECT, UPDATE ON SEQUENCE {name} FROM {grantee}"),
                readers,
            );

            findings.push(Finding::new(&rules::RLS311, &sequence.name, why, remedy));
        }
    }
}
