//! What the application's role and the administrator's role are, can become and own.

use std::collections::BTreeSet;

use crate::doctor::case::Case;
use crate::doctor::facts::{Grantee, Kind, Owned, ReachedRole};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, RoleChange};
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    application(case, findings);
    application_owns(case, findings);
    other_objects(case, findings);
    schemas(case, findings);
    administrator(case, findings);
    administrator_owns(case, findings);
}

fn application(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let app = case.config.app_role();
    let admin = case.config.admin_role();
    let roles = &case.facts.app;

    if roles.is_empty() {
        let why = "the application cannot log in, and no policy can name its role";
        findings.push(Finding::new(&rules::RLS001, app, why, Remedy::Migrate));
    }

    for role in roles.iter().filter(|role| !role.bypasses.is_empty()) {
        let has = has(role, &role.bypasses);
        let why = format!("{has}: it reads and writes every row, whatever the policies say");
        let remedy = without(app, role, &role.bypasses);
        findings.push(Finding::new(&rules::RLS002, app, why, remedy));
    }

    if let Some(role) = roles.iter().find(|role| role.name == *admin) {
        let role_sql = identifier(admin);
        let why = format!("after `SET ROLE {role_sql}` it sees every row");
        let remedy = without(app, role, &[]);
        findings.push(Finding::new(&rules::RLS003, app, why, remedy));
    }

    for role in roles.iter().filter(|role| !role.powers.is_empty()) {
        let has = has(role, &role.powers);
        let why = format!("{has}: more than an application needs, and a way around policies");
        let remedy = without(app, role, &role.powers);
        findings.push(Finding::new(&rules::RLS004, app, why, remedy));
    }

    // One membership can lead to several.
    let mut ended = BTreeSet::new();
    for role in roles {
        if let Some(watches) = role.watches.filter(|_| ended.insert(&role.via)) {
            let has = has(role, &[watches]);
            let why = format!("{has}: what it shows may hold the data of other users");
            let remedy = without(app, role, &[]);
            findings.push(Finding::new(&rules::RLS022, app, why, remedy));
        }
    }
}

/// Scoped tables, and what else holds their rows.
fn application_owns(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let app = case.config.app_role();

    for (_, relation, _) in case.scoped() {
        let Some(role) = case.facts.app_is(relation.owner) else {
            continue;
        };

        let owns = owns(app, role);
        let why = format!("{owns}, and an owner can disable row security");
        let remedy = disown(case, app, role, &relation.name);
        findings.push(Finding::new(&rules::RLS005, &relation.name, why, remedy));
    }

    for (relation, base) in case.holders() {
        let Some(role) = case.facts.app_is(relation.owner) else {
            continue;
        };

        let why = format!(
            "{}, and an owner reads the rows of `{}` in it, whatever the policies say",
            owns(app, role),
            base.name
        );

        let remedy = disown(case, app, role, &relation.name);
        findings.push(Finding::new(&rules::RLS005, &relation.name, why, remedy));
    }
}

/// What else the application's role owns. Scoped tables and what holds their rows are reported on their
/// own; the sequence of a column goes with its table.
fn other_objects(case: &Case<'_>, findings: &mut Vec<Finding>) {
    const NAMED: usize = 5;

    let app = case.config.app_role();
    let holders: BTreeSet<&TableName> = case.holders().map(|(holder, _)| &holder.name).collect();
    let is_reported = |owned: &&Owned| {
        owned.relation.is_some_and(|oid| {
            let relation = case.facts.relations.get(&oid);
            case.scoped_table(oid).is_some()
                || relation.is_some_and(|it| it.serves.is_some() || holders.contains(&it.name))
        })
    };

    for role in case.facts.app.iter().filter(|it| it.bypasses.is_empty()) {
        let owned = case.facts.owned.iter().filter(|it| it.owner == role.oid);
        let owned: Vec<String> = owned
            .filter(|owned| !is_reported(owned))
            .map(|owned| format!("{} {}", owned.kind, owned.object))
            .collect();
        if owned.is_empty() {
            continue;
        }

        let more = owned.len().saturating_sub(NAMED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let named = owned[..owned.len().min(NAMED)].join(", ");
        let why = format!("it owns {named}{more}: an owner changes what others use, and grants it");
        findings.push(Finding::new(
            &rules::RLS028,
            &role.name,
            why,
            reassign(case, app, role),
        ));
    }
}

/// Gives all that a role owns to the migrations' role, or ends the membership through which it owns.
fn reassign(case: &Case<'_>, app: &Identifier, role: &ReachedRole) -> Remedy {
    if role.via.is_some() {
        return without(app, role, &[]);
    }

    let from = format!("REASSIGN OWNED BY {}", identifier(&role.name));
    match case.migrations_role() {
        Some(owner) => Remedy::sql(RunAs::Superuser, format!("{from} TO {}", identifier(owner))),
        None => Remedy::words(format!(
            "make a role for the migrations' login, and give it what the application's role owns, \
             as a superuser: `{from} TO …`"
        )),
    }
}

/// The owner of a schema or of the database can drop what others own in it, and create tables of
/// its own in its place.
fn schemas(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let app = case.config.app_role();
    let server = &case.facts.server;
    let database = (server.owner, "DATABASE", &server.database);
    let owned = case.facts.creators.iter().filter(|creator| creator.owns);

    let owned = owned.filter_map(|creator| {
        let role = case
            .facts
            .app
            .iter()
            .find(|role| Grantee::Role(role.name.clone()) == creator.grantee)?;
        Some((role.oid, "SCHEMA", &creator.schema))
    });

    for (owner, kind, name) in std::iter::once(database).chain(owned) {
        let Some(role) = case
            .facts
            .app_is(owner)
            .filter(|role| role.bypasses.is_empty())
        else {
            continue;
        };

        let owns = owns(app, role);
        let why = format!("{owns}, and an owner can drop what is in it, and create in its place");
        let remedy = give(case, app, role, &format!("{kind} {}", identifier(name)));

        findings.push(Finding::new(&rules::RLS013, name, why, remedy));
    }
}

fn administrator(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let admin = case.config.admin_role();
    let roles = &case.facts.admin;

    for role in roles.iter().filter(|role| !role.powers.is_empty()) {
        let has = has(role, &role.powers);
        let why =
            format!("{has}: more than it needs to see every row, and enough to change who may");
        let remedy = without(admin, role, &role.powers);
        findings.push(Finding::new(&rules::RLS014, admin, why, remedy));
    }

    for role in roles.iter().filter(|role| !role.bypasses.is_empty()) {
        let has = has(role, &role.bypasses);
        let why = format!("{has}: a policy already lets it see every row, and can be dropped");
        let remedy = without(admin, role, &role.bypasses);
        findings.push(Finding::new(&rules::RLS006, admin, why, remedy));
    }
}

fn administrator_owns(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let admin = case.config.admin_role();

    // The administrator may read all that a materialized view holds, and an owner can do no more.
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

        let owns = owns(admin, role);
        let why = format!("{owns}, and an owner can disable row security");
        let remedy = disown(case, admin, role, &relation.name);
        findings.push(Finding::new(&rules::RLS014, &relation.name, why, remedy));
    }
}

/// `role` owns the object as `reached`: itself, or a role that it can become.
pub(super) fn owns(role: &Identifier, reached: &ReachedRole) -> String {
    if reached.via.is_some() {
        format!("its owner is `{}`, which `{role}` can become", reached.name)
    } else {
        format!("its owner is `{role}`")
    }
}

fn has(role: &ReachedRole, what: &[&str]) -> String {
    let what = what.join(", ");
    if role.via.is_some() {
        format!("it can become `{}` ({what})", role.name)
    } else {
        format!("it has {what}")
    }
}

/// Gives a table to the migrations' role, or ends the membership through which the role owns it.
pub(super) fn disown(
    case: &Case<'_>,
    role: &Identifier,
    reached: &ReachedRole,
    of: &TableName,
) -> Remedy {
    give(case, role, reached, &format!("TABLE {}", table(of)))
}

/// The same for any object, with its kind and its name as SQL.
pub(super) fn give(
    case: &Case<'_>,
    role: &Identifier,
    reached: &ReachedRole,
    what: &str,
) -> Remedy {
    if reached.via.is_some() {
        return without(role, reached, &[]);
    }

    match case.migrations_role() {
        Some(owner) => {
            let alter = format!("ALTER {what} OWNER TO {}", identifier(owner));
            Remedy::sql(RunAs::Superuser, alter)
        }
        None => Remedy::words(format!(
            "make a role for the migrations' login, and give it what the application's role owns, \
             as a superuser: `ALTER {what} OWNER TO …`"
        )),
    }
}

/// Takes attributes from a role, or ends the membership through which it has them.
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

        let revokes = grantors.flat_map(revoke).collect();
        return Remedy::statements(RunAs::Superuser, revokes).then_restart();
    }

    let words: Vec<String> = attributes.iter().map(|word| format!("NO{word}")).collect();

    let alter = format!("ALTER ROLE {} {}", identifier(role), words.join(" "));
    Remedy::sql(RunAs::Superuser, alter).then_restart()
}
