//! What the application's role has beyond tables: on system objects, on other servers, and under
//! policies.

use super::revokes;
use super::role::{give, owns};
use super::server::but_the_migrations;
use crate::config::SignedContexts;
use crate::doctor::case::Case;
use crate::doctor::facts::{Grantee, Kind, Privileges};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::sql::quote::quoted;
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for Privileges {
        on,
        object,
        grantee,
        privileges,
    } in &case.facts.beyond
    {
        let revoke = format!("REVOKE {privileges} ON {on} {object} FROM {grantee}");
        let remedy = Remedy::sql(RunAs::Superuser, revoke);
        let has = format!("{grantee} has {privileges}");

        if on.starts_with("FOREIGN") {
            let why = format!("{has}: a foreign table of its own shows what that server allows");
            findings.push(Finding::new(&rules::RLS318, object, why, remedy));
        } else {
            let why = format!("{has}, which a new server grants to nobody");
            findings.push(Finding::new(&rules::RLS018, object, why, remedy));
        }
    }

    for Privileges {
        on,
        object,
        grantee,
        privileges,
    } in &case.facts.extended
    {
        let why = format!(
            "{grantee} has {privileges}, which the extension's script does not grant, or by which it \
             runs as its owner"
        );
        let revoke = format!("REVOKE {privileges} ON {on} {object} FROM {grantee}");
        let remedy = Remedy::sql(RunAs::Superuser, revoke);
        findings.push(Finding::new(&rules::RLS029, object, why, remedy));
    }

    needless(case, findings);
    foreign_tables(case, findings);
    supports(case, findings);

    for function in &case.facts.leakproof {
        let why = "a query may run it before policies, on rows that they hide, and it may reveal \
                   them";
        let alter = format!("ALTER FUNCTION {function} NOT LEAKPROOF");
        let remedy = Remedy::sql(RunAs::Superuser, alter);
        findings.push(Finding::new(&rules::RLS317, function, why, remedy));
    }
}

/// What a new server grants to everyone, and an application does not need.
fn needless(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for Privileges {
        on,
        object,
        grantee,
        privileges,
    } in &case.facts.needless
    {
        let revoke = |what: &str| {
            let privilege = format!("{privileges} ON {what}");
            but_the_migrations(
                case,
                RunAs::Superuser,
                &privilege,
                std::slice::from_ref(grantee),
            )
        };

        let (rule, name, why, remedy) = match on.as_str() {
            "LANGUAGE" => (
                &rules::RLS021,
                object.as_str(),
                format!(
                    "{grantee} may use it: a `DO` block can become another user, and its text hides \
                     how"
                ),
                revoke(&format!("LANGUAGE {object}")),
            ),
            "ROUTINE" => (
                &rules::RLS023,
                "pg_catalog.lo_create",
                format!(
                    "{grantee} may: all users have one role, so each reads those of the others"
                ),
                revoke(&format!("ROUTINE {object}")),
            ),
            "LARGE OBJECT" => (
                &rules::RLS023,
                "pg_catalog.pg_largeobject",
                format!(
                    "{grantee} has {privileges} on {object}: all users have one role, so each has them"
                ),
                revoke(&format!("LARGE OBJECT {object}")),
            ),
            "PARAMETER" => (
                &rules::RLS024,
                object.as_str(),
                format!("{grantee} has {privileges}: only superusers may set it otherwise"),
                parameter(object, grantee, privileges),
            ),
            _ => {
                findings.extend(called(case, on, object, grantee));
                continue;
            }
        };

        findings.push(Finding::new(rule, name, why, remedy));
    }
}

/// Routines that run any text, that connect elsewhere, and that count what policies hide. Signed contexts
/// alone ask for the last.
fn called(case: &Case<'_>, kind: &str, routines: &str, grantee: &Grantee) -> Option<Finding> {
    let revoke = || {
        let privilege = format!("EXECUTE ON ROUTINE {routines}");
        let grantee = std::slice::from_ref(grantee);
        but_the_migrations(case, RunAs::Superuser, &privilege, grantee)
    };
    let first = routines.split(", ").next().unwrap_or(routines);

    let (rule, name, why, remedy) = match kind {
        "TEXT" => (
            &rules::RLS021,
            routines,
            format!(
                "{grantee} may call it: it runs any statements that it is given as text, which hides how \
                 one becomes another user"
            ),
            revoke(),
        ),
        "COUNTER" if case.config.signs_contexts() != SignedContexts::Required => return None,
        "COUNTER" => (
            &rules::RLS030,
            "counters",
            format!(
                "{grantee} may call `{first}` or others that count the rows which a policy hides, or show \
                 where they lie: an injected statement can find out in that way what stands in one"
            ),
            counters(case, routines, grantee),
        ),
        _ => (
            &rules::RLS318,
            "dblink",
            format!("{grantee} may call it: what it reads there is read as another login"),
            revoke(),
        ),
    };
    Some(Finding::new(rule, name, why, remedy))
}

/// Who watches the server is a member of `pg_read_all_stats`, mostly by `pg_monitor`.
fn counters(case: &Case<'_>, routines: &str, grantee: &Grantee) -> Remedy {
    let revoke = format!("REVOKE EXECUTE ON ROUTINE {routines} FROM {grantee}");
    if *grantee != Grantee::Public {
        return Remedy::sql(RunAs::Superuser, revoke);
    }

    let migrations = case.migrations_role().map(identifier);
    let grantees = ["pg_read_all_stats".to_owned()]
        .into_iter()
        .chain(migrations);
    let grants = grantees.map(|role| format!("GRANT EXECUTE ON ROUTINE {routines} TO {role}"));
    Remedy::statements(
        RunAs::Superuser,
        [revoke].into_iter().chain(grants).collect(),
    )
}

fn parameter(name: &str, grantee: &Grantee, privileges: &str) -> Remedy {
    let parts: Vec<String> = name.split('.').map(quoted).collect();
    let revoke = format!(
        "REVOKE {privileges} ON PARAMETER {} FROM {grantee}",
        parts.join(".")
    );
    Remedy::sql(RunAs::Superuser, revoke)
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
            &relation.owner_name,
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

        let what = format!("{} {}", support.kind, support.object);
        let remedy = give(case, app, role, &what);

        findings.push(Finding::new(&rules::RLS019, &support.object, why, remedy));
    }
}
