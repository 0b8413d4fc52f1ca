use crate::doctor::case::Case;
use crate::doctor::facts::{Creator, Grantee, RoleSetting};
use crate::doctor::finding::Finding;
use crate::doctor::leaks;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::sql::identifier;

/// Settings that change what policies hold for, beside those of the context.
const OWN: [&str; 4] = [
    "role",
    "session_authorization",
    "row_security",
    "session_replication_role",
];

pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    let server = &case.facts.server;

    // An owner's right is told as what it is.
    for Creator {
        schema, grantee, ..
    } in case.facts.creators.iter().filter(|creator| !creator.owns)
    {
        let why = format!(
            "{grantee} may create there: a function or table of one's own can shadow another's"
        );
        let remedy = Remedy::sql(format!(
            "REVOKE CREATE ON SCHEMA {} FROM {grantee}",
            identifier(schema)
        ));

        found.push(Finding::new(&rules::RLS007, schema, why, remedy));
    }

    for grantee in &server.creators {
        let why = format!("{grantee} may create schemas, and in them functions and tables");
        let remedy = Remedy::sql(format!(
            "REVOKE CREATE ON DATABASE {} FROM {grantee}",
            identifier(&server.database)
        ));
        found.push(Finding::new(&rules::RLS008, &server.database, why, remedy));
    }

    if !server.set_config.is_empty() {
        let function = "pg_catalog.set_config(text, text, boolean)";
        let why =
            "SQL that was let in somewhere can call it within a statement, and become another user";
        let revoke =
            |grantee: &Grantee| format!("REVOKE EXECUTE ON FUNCTION {function} FROM {grantee}");
        let mut statements: Vec<String> = server.set_config.iter().map(revoke).collect();

        if server.set_config.contains(&Grantee::Public) {
            statements.push(format!(
                "GRANT EXECUTE ON FUNCTION {function} TO CURRENT_USER"
            ));
        }

        found.push(Finding::new(
            &rules::RLS009,
            "pg_catalog.set_config",
            why,
            Remedy::Sql(statements),
        ));
    }

    if !server.temporary.is_empty() {
        let database = identifier(&server.database);
        let why = "a temporary table that is named like a scoped one stands before it for whoever \
                   gets the connection next";
        let revoke =
            |grantee: &Grantee| format!("REVOKE TEMPORARY ON DATABASE {database} FROM {grantee}");
        let mut statements: Vec<String> = server.temporary.iter().map(revoke).collect();

        if server.temporary.contains(&Grantee::Public) {
            statements.push(format!(
                "GRANT TEMPORARY ON DATABASE {database} TO CURRENT_USER"
            ));
        }

        found.push(Finding::new(
            &rules::RLS017,
            "pg_temp",
            why,
            Remedy::Sql(statements),
        ));
    }

    let flaws = leaks::of(server.version);
    if !flaws.is_empty() {
        let remedy = Remedy::words(
            "install the newest minor version of this major one, or a newer major version",
        );
        let object = format!("PostgreSQL {}", server.version_text);

        found.push(Finding::new(
            &rules::RLS010,
            object,
            format!("it has {}", flaws.join(" and ")),
            remedy,
        ));
    }

    let context = case.registry.settings();
    for setting in &case.facts.settings {
        let name = setting.setting.to_lowercase();
        if OWN.contains(&name.as_str()) || context.iter().any(|other| other.as_str() == name) {
            let why = "where no context sets it, as in SQL outside this family's connections, it \
                       is someone's";
            found.push(Finding::new(
                &rules::RLS011,
                &setting.setting,
                why,
                reset(case, setting),
            ));
        }
    }

    for (variable, on) in [
        ("RLS_ENABLED", case.config.enabled()),
        ("RLS_FORCE", case.config.force()),
    ] {
        if !on {
            let remedy = Remedy::words(format!("set {variable}=true and run the migrations"));
            found.push(Finding::new(
                &rules::RLS012,
                variable,
                "the migrations switch it off on every table",
                remedy,
            ));
        }
    }
}

pub(super) fn reset(case: &Case<'_>, setting: &RoleSetting) -> Remedy {
    let database = identifier(&case.facts.server.database);
    let what = setting
        .setting
        .split('.')
        .map(|part| format!("\"{}\"", part.replace('"', "\"\"")))
        .collect::<Vec<_>>()
        .join(".");

    Remedy::sql(match (&setting.role, setting.here) {
        (Some(role), true) => format!(
            "ALTER ROLE {} IN DATABASE {database} RESET {what}",
            identifier(role)
        ),
        (Some(role), false) => format!("ALTER ROLE {} RESET {what}", identifier(role)),
        (None, true) => format!("ALTER DATABASE {database} RESET {what}"),
        (None, false) => format!("ALTER ROLE ALL RESET {what}"),
    })
}
