use std::collections::BTreeSet;

use crate::doctor::case::Case;
use crate::doctor::facts::{Grantee, Kind, ReachedRole};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, RoleChange};
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    let app = case.config.app_role();
    if case.facts.app.is_empty() {
        let why = "the application cannot log in, and no policy can be for it";
        found.push(Finding::new(&rules::RLS001, app, why, Remedy::Migrate));
    }

    for role in case
        .facts
        .app
        .iter()
        .filter(|role| !role.bypasses.is_empty())
    {
        let why = format!(
            "{}: it sees and writes every row, whatever the policies say",
            held(role, &role.bypasses)
        );

        found.push(Finding::new(
            &rules::RLS002,
            app,
            why,
            without(app, role, &role.bypasses),
        ));
    }

    let admin = case.config.admin_role();
    if let Some(role) = case.facts.app.iter().find(|role| role.name == *admin) {
        let why = format!(
            "`SET ROLE {}` is enough to see every row",
            identifier(admin)
        );

        found.push(Finding::new(
            &rules::RLS003,
            app,
            why,
            without(app, role, &[]),
        ));
    }

    for role in case.facts.app.iter().filter(|role| !role.powers.is_empty()) {
        let why = format!(
            "{}: more than an application needs, and a way around policies",
            held(role, &role.powers)
        );

        let powers = if role.via.is_some() {
            &[][..]
        } else {
            &role.powers
        };

        found.push(Finding::new(
            &rules::RLS004,
            app,
            why,
            without(app, role, powers),
        ));
    }

    for (_, relation, _) in case.scoped() {
        let Some(role) = case.facts.app_is(relation.owner) else {
            continue;
        };
        let why = format!(
            "`{app}` is its owner `{}`, or a member of it, and an owner can switch row security \
             off",
            role.name
        );

        found.push(Finding::new(
            &rules::RLS005,
            &relation.name,
            why,
            disown(app, role, &relation.name),
        ));
    }

    for (relation, base) in case.holders() {
        let Some(role) = case.facts.app_is(relation.owner) else {
            continue;
        };
        let why = format!(
            "`{app}` is its owner `{}`, or a member of it, and an owner reads rows of `{}` in it \
             whatever the policies say",
            role.name, base.name
        );

        found.push(Finding::new(
            &rules::RLS005,
            &relation.name,
            why,
            disown(app, role, &relation.name),
        ));
    }

    owned(case, found);
    for role in case
        .facts
        .admin
        .iter()
        .filter(|role| !role.powers.is_empty())
    {
        let why = format!(
            "{}: more than to see every row, and enough to change who may",
            held(role, &role.powers)
        );

        let powers = if role.via.is_some() {
            &[][..]
        } else {
            &role.powers
        };

        found.push(Finding::new(
            &rules::RLS014,
            admin,
            why,
            without(admin, role, powers),
        ));
    }

    // The administrator reads all that a materialized view holds, and nothing else comes of owning
    // one.
    let holders = case
        .holders()
        .map(|(relation, _)| relation)
        .filter(|it| it.kind != Kind::MaterializedView);

    for relation in case
        .scoped()
        .map(|(_, relation, _)| relation)
        .chain(holders)
    {
        let Some(role) = case
            .facts
            .admin_is(relation.owner)
            .filter(|role| role.bypasses.is_empty())
        else {
            continue;
        };

        let why = format!(
            "it is its owner `{}`, or a member of it, and can switch row security off",
            role.name
        );

        found.push(Finding::new(
            &rules::RLS014,
            &relation.name,
            why,
            disown(admin, role, &relation.name),
        ));
    }

    for role in case
        .facts
        .admin
        .iter()
        .filter(|role| !role.bypasses.is_empty())
    {
        let why = format!(
            "{}: its own policy is enough to see every row, and can be taken away",
            held(role, &role.bypasses)
        );

        found.push(Finding::new(
            &rules::RLS006,
            admin,
            why,
            without(admin, role, &role.bypasses),
        ));
    }
}

/// Schemas and the database: their owner may drop what others own in them, and put tables of its
/// own in its place.
fn owned(case: &Case<'_>, found: &mut Vec<Finding>) {
    let app = case.config.app_role();
    let server = &case.facts.server;
    let database = (server.owner, "DATABASE", &server.database);
    let schemas = case
        .facts
        .relations
        .values()
        .filter_map(|relation| relation.name.schema.as_ref());

    let schemas: BTreeSet<&Identifier> = schemas.collect();
    let owned = case
        .facts
        .creators
        .iter()
        .filter(|creator| creator.owns && schemas.contains(&creator.schema));

    let owned = owned.filter_map(|creator| {
        let role = case
            .facts
            .app
            .iter()
            .find(|role| Grantee::Role(role.name.clone()) == creator.grantee)?;
        Some((role.oid, "SCHEMA", &creator.schema))
    });

    for (owner, what, name) in std::iter::once(database).chain(owned) {
        let Some(role) = case
            .facts
            .app_is(owner)
            .filter(|role| role.bypasses.is_empty())
        else {
            continue;
        };

        let why = format!(
            "`{app}` is its owner `{}`, or a member of it, and can drop and replace what is in it",
            role.name
        );

        let remedy = match &role.via {
            None => Remedy::sql(format!(
                "ALTER {what} {} OWNER TO CURRENT_USER",
                identifier(name)
            )),
            Some(_) => without(app, role, &[]),
        };

        found.push(Finding::new(&rules::RLS013, name, why, remedy));
    }
}

/// Gives a table to the migrations' login, or ends the membership through which the role owns it.
pub(super) fn disown(role: &Identifier, reached: &ReachedRole, of: &TableName) -> Remedy {
    match &reached.via {
        None => Remedy::sql(format!("ALTER TABLE {} OWNER TO CURRENT_USER", table(of))),
        Some(_) => without(role, reached, &[]),
    }
}

fn held(role: &ReachedRole, what: &[&str]) -> String {
    let what = what.join(", ");
    if role.via.is_some() {
        format!("it can become `{}` ({what})", role.name)
    } else {
        format!("it has {what}")
    }
}

/// Takes attributes from a role, or the membership through which it has them.
pub(super) fn without(role: &Identifier, reached: &ReachedRole, attributes: &[&str]) -> Remedy {
    if let Some(via) = &reached.via {
        let revoke = |grantor: Option<&Identifier>| {
            let (member, grantor) = (role.clone(), grantor.cloned());
            let revoke = RoleChange::RevokeMembership { member, grantor };
            Change::Role(via.clone(), revoke).sql()
        };

        let grantors = reached
            .grantors
            .iter()
            .map(Some)
            .chain(reached.grantors.is_empty().then_some(None));

        return Remedy::Sql(grantors.flat_map(revoke).collect());
    }

    let words: Vec<String> = attributes.iter().map(|word| format!("NO{word}")).collect();

    Remedy::sql(format!(
        "ALTER ROLE {} {}",
        identifier(role),
        words.join(" ")
    ))
}
