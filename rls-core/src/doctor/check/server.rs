//! The server, the database and the configuration.

use crate::config::SignedContexts;
use crate::doctor::case::Case;
use crate::doctor::facts::{Creator, Grantee, RoleSetting};
use crate::doctor::finding::Finding;
use crate::doctor::leaks;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::sql::identifier;
use crate::sql::quote::quoted;

/// Settings that change whom policies apply to, beside those of the context.
const SETTINGS: [&str; 4] = [
    "role",
    "session_authorization",
    "row_security",
    "session_replication_role",
];

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    creators(case, findings);
    set_config(case, findings);
    temporary(case, findings);
    version(case, findings);
    settings(case, findings);
    configuration(case, findings);
}

fn creators(case: &Case<'_>, findings: &mut Vec<Finding>) {
    // An owner may create too, which is a finding of RLS013.
    for Creator {
        schema,
        grantee,
        owner_name,
        ..
    } in case.facts.creators.iter().filter(|creator| !creator.owns)
    {
        let why = format!(
            "{grantee} may create functions and tables there, and they can shadow those of others"
        );
        let revoke = format!(
            "REVOKE CREATE ON SCHEMA {} FROM {grantee}",
            identifier(schema)
        );
        let remedy = Remedy::sql(RunAs::Role(owner_name.clone()), revoke);

        findings.push(Finding::new(&rules::RLS007, schema, why, remedy));
    }

    let database = &case.facts.server.database;
    for grantee in &case.facts.server.creators {
        let why = format!("{grantee} may create schemas, and functions and tables in them");
        let revoke = format!(
            "REVOKE CREATE ON DATABASE {} FROM {grantee}",
            identifier(database)
        );
        let remedy = Remedy::sql(of_database(case), revoke);
        findings.push(Finding::new(&rules::RLS008, database, why, remedy));
    }
}

fn set_config(case: &Case<'_>, findings: &mut Vec<Finding>) {
    const FUNCTION: &str = "pg_catalog.set_config(text, text, boolean)";

    // What it could set, no signed context is; and what carries one needs it.
    let is_signed = case.config.signs_contexts() > SignedContexts::Off;
    let grantees = &case.facts.server.set_config;
    if !grantees.is_empty() && !is_signed {
        let why = "injected SQL can call it in the middle of a statement, and become another user";
        let privilege = format!("EXECUTE ON FUNCTION {FUNCTION}");
        let remedy = but_the_migrations(case, RunAs::Superuser, &privilege, grantees);

        findings.push(Finding::new(
            &rules::RLS009,
            "pg_catalog.set_config",
            why,
            remedy,
        ));
    }
}

fn temporary(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let grantees = &case.facts.server.temporary;
    if !grantees.is_empty() {
        let database = identifier(&case.facts.server.database);
        let why = "a temporary table with the name of a scoped one shadows it for whoever gets \
                   the connection next";
        let privilege = format!("TEMPORARY ON DATABASE {database}");
        let remedy = but_the_migrations(case, of_database(case), &privilege, grantees);
        findings.push(Finding::new(&rules::RLS017, "pg_temp", why, remedy));
    }
}

/// Who can grant and revoke privileges on the database.
fn of_database(case: &Case<'_>) -> RunAs {
    RunAs::Role(case.facts.server.owner_name.clone())
}

/// Takes a privilege from all of them. The migrations' role needs it, and gets it itself if it had
/// it from `PUBLIC`.
pub(super) fn but_the_migrations(
    case: &Case<'_>,
    run_as: RunAs,
    privilege: &str,
    grantees: &[Grantee],
) -> Remedy {
    let revoke = |grantee: &Grantee| format!("REVOKE {privilege} FROM {grantee}");
    let grant = case
        .migrations_role()
        .filter(|_| grantees.contains(&Grantee::Public))
        .map(|role| format!("GRANT {privilege} TO {}", identifier(role)));

    Remedy::statements(run_as, grantees.iter().map(revoke).chain(grant).collect())
}

fn version(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let server = &case.facts.server;
    let flaws = leaks::of(server.version);

    if !flaws.is_empty() {
        let object = format!("PostgreSQL {}", server.version_text);
        let why = format!(
            "it has {}; the doctor's list is of {}",
            flaws.join(" and "),
            leaks::AS_OF
        );
        let remedy = Remedy::words(
            "install the newest minor version of this major version, or a newer major version",
        );

        findings.push(Finding::new(&rules::RLS010, object, why, remedy));
    }
}

fn settings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let context = case.registry.settings();

    for setting in &case.facts.settings {
        let name = setting.setting.to_lowercase();
        let is_context = context.iter().any(|other| other.as_str() == name);

        let why = if is_context {
            "a statement without a context, as `psql` sends it, runs as this user"
        } else if SETTINGS.contains(&name.as_str()) {
            "it changes whom policies apply to, in every new session"
        } else {
            continue;
        };

        findings.push(Finding::new(
            &rules::RLS011,
            &setting.setting,
            why,
            reset(case, setting),
        ));
    }
}

fn configuration(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for (variable, on) in [
        ("RLS_ENABLED", case.config.enabled()),
        ("RLS_FORCE", case.config.force()),
    ] {
        if !on {
            let why = "the migrations switch it off on every table";
            let remedy = Remedy::words(format!("set {variable}=true and run the migrations"));
            findings.push(Finding::new(&rules::RLS012, variable, why, remedy));
        }
    }
}

pub(super) fn reset(case: &Case<'_>, setting: &RoleSetting) -> Remedy {
    let database = identifier(&case.facts.server.database);
    let what = setting
        .setting
        .split('.')
        .map(quoted)
        .collect::<Vec<_>>()
        .join(".");

    // The owner of a database may reset only what it may set.
    let reset = match (&setting.role, setting.here) {
        (Some(role), true) => format!(
            "ALTER ROLE {} IN DATABASE {database} RESET {what}",
            identifier(role)
        ),
        (Some(role), false) => format!("ALTER ROLE {} RESET {what}", identifier(role)),
        (None, true) => format!("ALTER DATABASE {database} RESET {what}"),
        (None, false) => format!("ALTER ROLE ALL RESET {what}"),
    };

    Remedy::sql(RunAs::Superuser, reset)
}
