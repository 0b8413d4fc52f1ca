//! The environment variables, and checks of their values.

use super::{Login, Secret, SignedContexts, SigningKey};
use crate::config::ConfigError;
use crate::name::{Identifier, TableName};

pub(super) const ENABLED: &str = "RLS_ENABLED";
pub(super) const FORCE: &str = "RLS_FORCE";
pub(super) const APP_USER: &str = "RLS_APP_USER";
pub(super) const APP_PASSWORD: &str = "RLS_APP_PASSWORD";
pub(super) const ADMIN: &str = "RLS_MAINTENANCE_ADMIN";
pub(super) const ADMIN_PASSWORD: &str = "RLS_MAINTENANCE_ADMIN_PASSWORD";
pub(super) const LOGIN_SUFFIX: &str = "RLS_LOGIN_SUFFIX";
pub(super) const AUDIT: &str = "RLS_AUDIT";
pub(super) const AUDIT_TABLE: &str = "RLS_AUDIT_TABLE";

pub(super) const ALLOW_DO: &str = "RLS_ALLOW_DO";
pub(super) const SIGNED_CONTEXTS: &str = "RLS_SIGNED_CONTEXTS";
pub(super) const SIGNING_KEY: &str = "RLS_SIGNING_KEY";
pub(super) const ACCEPT_WEAKENING: &str = "RLS_ACCEPT_WEAKENING";
pub(super) const REFUSE_BREAKING: &str = "RLS_REFUSE_BREAKING";

const ALL: [&str; 14] = [
    ENABLED,
    FORCE,
    APP_USER,
    APP_PASSWORD,
    ADMIN,
    ADMIN_PASSWORD,
    LOGIN_SUFFIX,
    AUDIT,
    AUDIT_TABLE,
    ALLOW_DO,
    SIGNED_CONTEXTS,
    SIGNING_KEY,
    ACCEPT_WEAKENING,
    REFUSE_BREAKING,
];

/// A line for each variable that is near to one of these and none of them.
pub(super) fn misspelt(given: impl Iterator<Item = String>) -> Vec<String> {
    given
        .filter_map(unknown)
        .map(|(given, meant)| format!("the variable {given} has no effect; did you mean {meant}?"))
        .collect()
}

/// A variable that is none of these, and the one that it most likely means. Other programs may have
/// variables of their own that begin so; those are near to none.
fn unknown(given: String) -> Option<(String, &'static str)> {
    if !given.starts_with("RLS_") || ALL.contains(&given.as_str()) {
        return None;
    }

    let near = |known: &&&str| is_near(&given, known);
    let meant = *ALL.iter().find(near)?;
    Some((given, meant))
}

/// Whether at most two letters are missing, added or wrong in one place.
fn is_near(given: &str, known: &str) -> bool {
    let same = |(given, known): &(char, char)| given == known;
    let start = given.chars().zip(known.chars()).take_while(same).count();
    let backwards = given.chars().rev().zip(known.chars().rev());
    let end = backwards.take_while(same).count();
    let longest = given.chars().count().max(known.chars().count());

    start + end + 2 >= longest
}

/// A switch that is on unless it is set.
pub(super) fn switch(
    lookup: &impl Fn(&str) -> Result<Option<String>, ConfigError>,
    variable: &str,
) -> Result<bool, ConfigError> {
    Ok(given_switch(lookup, variable)?.unwrap_or(true))
}

pub(super) fn given_switch(
    lookup: &impl Fn(&str) -> Result<Option<String>, ConfigError>,
    variable: &str,
) -> Result<Option<bool>, ConfigError> {
    let Some(value) = lookup(variable)? else {
        return Ok(None);
    };
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(Some(true)),
        "false" | "0" | "off" | "no" => Ok(Some(false)),
        _ => Err(ConfigError::Switch {
            variable: variable.to_owned(),
            value,
        }),
    }
}

/// How far contexts are signed.
pub(super) fn signed_contexts(
    lookup: &impl Fn(&str) -> Result<Option<String>, ConfigError>,
) -> Result<SignedContexts, ConfigError> {
    let Some(value) = lookup(SIGNED_CONTEXTS)? else {
        return Ok(SignedContexts::Off);
    };
    match value.trim().to_ascii_lowercase().as_str() {
        "off" => Ok(SignedContexts::Off),
        "sent" => Ok(SignedContexts::Sent),
        "required" => Ok(SignedContexts::Required),
        _ => Err(ConfigError::SignedContexts { value }),
    }
}

/// The key that signs contexts.
pub(super) fn signing_key(
    lookup: &impl Fn(&str) -> Result<Option<String>, ConfigError>,
) -> Result<Option<SigningKey>, ConfigError> {
    let key = lookup(SIGNING_KEY)?.map(|key| key.parse());
    key.transpose()
        .map_err(|source| ConfigError::SigningKey { source })
}

pub(super) fn login(
    lookup: &impl Fn(&str) -> Result<Option<String>, ConfigError>,
    role: &str,
    password: &str,
    default: Login,
) -> Result<Login, ConfigError> {
    let name = match lookup(role)? {
        Some(name) => role_name(role, &name)?,
        None => default.role,
    };

    let password = match lookup(password)? {
        Some(value) => Some(secret(password, value)?),
        None => None,
    };

    Ok(Login {
        role: name,
        password,
    })
}

pub(super) fn given(method: &str, role: &str, password: &str) -> Result<Login, ConfigError> {
    Ok(Login {
        role: role_name(method, role)?,
        password: Some(secret(method, password.to_owned())?),
    })
}

/// Checks the name of a role. `CREATE ROLE` refuses the reserved ones
/// (`src/backend/commands/user.c`).
fn role_name(variable: &str, name: &str) -> Result<Identifier, ConfigError> {
    if name == "public" || name == "none" || name.starts_with("pg_") {
        return Err(ConfigError::ReservedRole {
            variable: variable.to_owned(),
            role: name.to_owned(),
        });
    }

    Identifier::new(name).map_err(|source| ConfigError::Role {
        variable: variable.to_owned(),
        source,
    })
}

pub(super) fn table_name(variable: &str, name: &str) -> Result<TableName, ConfigError> {
    TableName::parse(name).map_err(|source| ConfigError::AuditTable {
        variable: variable.to_owned(),
        source,
    })
}

pub(super) fn login_suffix(variable: &str, suffix: String) -> Result<String, ConfigError> {
    if suffix.contains('\0') {
        return Err(ConfigError::LoginSuffix {
            variable: variable.to_owned(),
        });
    }

    Ok(suffix)
}

fn secret(variable: &str, value: String) -> Result<Secret, ConfigError> {
    if value.is_empty() || value.contains('\0') {
        return Err(ConfigError::Password {
            variable: variable.to_owned(),
        });
    }

    Ok(Secret(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_variables_are_near_to_one_of_these() {
        for (given, meant) in [
            ("RLS_APP_PASWORD", APP_PASSWORD),
            ("RLS_APP_PASSWROD", APP_PASSWORD),
            ("RLS_APP_USERS", APP_USER),
            ("RLS_MAINTENANCE_ADMIN_PASSWD", ADMIN_PASSWORD),
            ("RLS_MAINTAINANCE_ADMIN", ADMIN),
            ("RLS_ENABLE", ENABLED),
            ("RLS_AUDIT_TABEL", AUDIT_TABLE),
        ] {
            let found = unknown(given.to_owned()).map(|(_, meant)| meant);
            assert_eq!(found, Some(meant), "{given}");
        }

        for given in ALL.into_iter().chain(["RLS_TOKEN_KEY", "PATH", "RLS_"]) {
            assert_eq!(unknown(given.to_owned()), None, "{given}");
        }
    }
}
