use std::collections::BTreeMap;

use crate::config::{Login, RlsConfig};
use crate::error::SchemaError;
use crate::name::Identifier;
use crate::schema::plan::{Change, RoleChange, Verifier};
use crate::schema::scram;
use crate::schema::snapshot::{ActualRole, StoredPassword};

/// What makes a role one that policies do not bind, or that could become one, if it lacks these.
const POWERS: [(&str, &str); 4] = [
    ("NOSUPERUSER", "SUPERUSER"),
    ("NOBYPASSRLS", "BYPASSRLS"),
    ("NOCREATEROLE", "CREATEROLE"),
    ("NOREPLICATION", "REPLICATION"),
];

/// Checks that the login that migrates is none of the two roles, and that none is somebody's who
/// administers the server.
pub(crate) fn check(actual: &BTreeMap<Identifier, ActualRole>) -> Result<(), SchemaError> {
    if let Some((role, _)) = actual.iter().find(|(_, actual)| actual.migrates) {
        return Err(SchemaError::RoleInUse {
            role: role.to_string(),
        });
    }

    // A role that policies are for already was given its powers since: it loses them.
    for (role, actual) in actual.iter().filter(|(_, actual)| !actual.ours) {
        let powers: Vec<&str> = POWERS
            .iter()
            .filter(|(lacks, _)| actual.lacks.contains(lacks))
            .map(|(_, power)| *power)
            .collect();

        if !powers.is_empty() {
            return Err(SchemaError::RoleHasPowers {
                role: role.to_string(),
                powers: powers.join(", "),
            });
        }
    }

    Ok(())
}

/// What becomes of a configured password that the login may set, but not compare with the stored
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passwords {
    /// It stays: a plan says what differs.
    Compare,
    /// It is set, which is the same in the end.
    Set,
}

/// The changes that give both roles what they need, and no more.
pub(crate) fn roles(
    config: &RlsConfig,
    actual: &BTreeMap<Identifier, ActualRole>,
    passwords: Passwords,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for login in [config.app(), config.admin()] {
        let change = match actual.get(&login.role) {
            None => Some(RoleChange::Create {
                verifier: verifier(login),
            }),
            Some(actual) => alter(login, actual, passwords),
        };
        changes.extend(change.map(|change| Change::Role(login.role.clone(), change)));
    }

    for (role, actual) in actual {
        for (member, grantor) in actual.members.iter().cloned() {
            let revoke = RoleChange::RevokeMembership { member, grantor };
            changes.push(Change::Role(role.clone(), revoke));
        }

        for (inherited, grantor) in actual.inherits.iter().cloned() {
            let member = role.clone();
            let end = RoleChange::EndInheritance { member, grantor };
            changes.push(Change::Role(inherited, end));
        }
    }

    changes
}

/// The roles whose configured passwords the login may set and not compare.
pub(super) fn uncompared(
    config: &RlsConfig,
    actual: &BTreeMap<Identifier, ActualRole>,
) -> Vec<Identifier> {
    let logins = [config.app(), config.admin()].into_iter();
    let is_uncompared = |login: &&Login| {
        actual.get(&login.role).is_some_and(|actual| {
            login.password.is_some()
                && actual.password == StoredPassword::Unreadable
                && actual.settable
        })
    };

    let uncompared = logins.filter(is_uncompared);
    uncompared.map(|login| login.role.clone()).collect()
}

fn alter(login: &Login, actual: &ActualRole, passwords: Passwords) -> Option<RoleChange> {
    let verifier = if keeps_password(login, actual, passwords) {
        None
    } else {
        verifier(login)
    };

    (!actual.lacks.is_empty() || verifier.is_some()).then(|| RoleChange::Alter {
        attributes: actual.lacks.clone(),
        verifier,
    })
}

/// Whether the role keeps its password: it is the configured one, or none is configured.
///
/// If the login may neither read nor set the stored password, it keeps: connecting tells whether it
/// is right.
fn keeps_password(login: &Login, actual: &ActualRole, passwords: Passwords) -> bool {
    match (&login.password, &actual.password) {
        (None, _) => true,
        (Some(password), StoredPassword::Set(stored)) => scram::verifies(stored, password.expose()),
        (Some(_), StoredPassword::Unset) => !actual.settable,
        (Some(_), StoredPassword::Unreadable) => {
            passwords == Passwords::Compare || !actual.settable
        }
    }
}

fn verifier(login: &Login) -> Option<Verifier> {
    login
        .password
        .as_ref()
        .map(|password| Verifier(scram::verifier(password.expose())))
}
