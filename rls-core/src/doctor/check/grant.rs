use std::collections::{BTreeMap, BTreeSet};

use super::revokes;
use crate::doctor::case::Case;
use crate::doctor::facts::{Grant, Grantee, Kind};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::name::Identifier;
use crate::sql::{identifier, table};

/// Privileges that act on rows without asking policies.
const UNBOUND: [&str; 4] = ["TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"];

pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    for (oid, relation, _) in case.scoped() {
        let grants: Vec<&Grant> = case.grants_on(oid).iter().collect();
        let name = table(&relation.name);
        let unbound = |grant: &Grant| UNBOUND.contains(&grant.privilege.as_str());
        let revoke = |grantee: &Grantee, privileges: &BTreeSet<&str>| {
            format!(
                "REVOKE {} ON {name} FROM {grantee}",
                privileges.iter().copied().collect::<Vec<_>>().join(", ")
            )
        };

        for (grantee, privileges) in by_grantee(
            grants
                .iter()
                .filter(|grant| grant.column.is_none() && unbound(grant)),
        ) {
            let why = format!(
                "{grantee} has {}, which acts on every row",
                listed(&privileges)
            );

            found.push(Finding::new(
                &rules::RLS301,
                &relation.name,
                why,
                Remedy::sql(revoke(grantee, &privileges)),
            ));
        }

        let public = grants.iter().filter(|grant| {
            grant.column.is_none() && !unbound(grant) && grant.grantee == Grantee::Public
        });
        for (grantee, privileges) in by_grantee(public) {
            let why = format!(
                "every role has {}, and policies for PUBLIC or none at all decide",
                listed(&privileges)
            );

            found.push(Finding::new(
                &rules::RLS302,
                &relation.name,
                why,
                Remedy::sql(revoke(grantee, &privileges)),
            ));
        }

        let granted = grants.iter().filter(|grant| {
            grant.column.is_none() && !unbound(grant) && is_granted(case, &grant.grantee)
        });
        for (grantee, privileges) in by_grantee(granted) {
            let why = format!(
                "the application can become {grantee}, who has {} and is held by no guard, only by \
                 what is missing",
                listed(&privileges)
            );

            found.push(Finding::new(
                &rules::RLS316,
                &relation.name,
                why,
                Remedy::sql(revoke(grantee, &privileges)),
            ));
        }

        let columns: Vec<(&Grant, &Identifier)> = grants
            .iter()
            .filter_map(|grant| Some((*grant, grant.column.as_ref()?)))
            .collect();

        if !columns.is_empty() {
            let statements = columns.iter().map(|(grant, column)| {
                format!(
                    "REVOKE {} ({}) ON {name} FROM {}",
                    grant.privilege,
                    identifier(column),
                    grant.grantee
                )
            });

            let why =
                "they stay when those on the table are taken away, and no migration knows of them";

            found.push(Finding::new(
                &rules::RLS303,
                &relation.name,
                why,
                Remedy::Sql(statements.collect()),
            ));
        }
    }

    defaults(case, found);
    sequences(case, found);
}

/// Whether it is another role that the application can become, of which no other rule tells
/// already.
fn is_granted(case: &Case<'_>, grantee: &Grantee) -> bool {
    let Grantee::Role(name) = grantee else {
        return false;
    };
    let reached = case.facts.app.iter().find(|role| role.name == *name);
    name != case.config.admin_role()
        && reached.is_some_and(|role| role.via.is_some() && role.bypasses.is_empty())
}

fn by_grantee<'a>(
    grants: impl Iterator<Item = &'a &'a Grant>,
) -> BTreeMap<&'a Grantee, BTreeSet<&'a str>> {
    let mut by: BTreeMap<&Grantee, BTreeSet<&str>> = BTreeMap::new();
    for grant in grants {
        by.entry(&grant.grantee)
            .or_default()
            .insert(&grant.privilege);
    }

    by
}

fn listed(privileges: &BTreeSet<&str>) -> String {
    privileges.iter().copied().collect::<Vec<_>>().join(", ")
}

fn defaults(case: &Case<'_>, found: &mut Vec<Finding>) {
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
            "what `{owner}` creates is granted to {grantee} ({}) before any policy stands",
            listed(&privileges)
        );

        let revoke = format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {}{place} REVOKE {} ON {on} FROM {grantee}",
            identifier(owner),
            listed(&privileges)
        );

        let object = schema.map_or_else(|| "all schemas".to_owned(), ToString::to_string);

        found.push(Finding::new(
            &rules::RLS304,
            object,
            why,
            Remedy::sql(revoke),
        ));
    }
}

fn sequences(case: &Case<'_>, found: &mut Vec<Finding>) {
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
            let why =
                "its last value tells how many rows all users have made, and `setval` changes it";
            let name = table(&sequence.name);
            let remedy = revokes(
                |grantee| format!("REVOKE SELECT, UPDATE ON SEQUENCE {name} FROM {grantee}"),
                readers,
            );

            found.push(Finding::new(&rules::RLS311, &sequence.name, why, remedy));
        }
    }
}
