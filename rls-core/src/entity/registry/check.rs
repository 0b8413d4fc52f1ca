//! Checks of a list of declarations, and of each scope.

use std::collections::BTreeSet;

use super::settings;
use super::tables::Declared;
use crate::config::RlsConfig;
use crate::entity::part::{DeclaredGrant, Marked};
use crate::entity::raw::RawTable;
use crate::entity::{Declaration, DeclarationError};
use crate::model::policy::PolicyDraft;
use crate::model::privilege::Columns;
use crate::model::scope::{self, Distribution, Scope};
use crate::name::{Identifier, SettingName};

/// Checks that the list has all derives of each entity in it.
pub(super) fn all_listed(
    list: &[Declaration],
    linked: impl Iterator<Item = Declaration>,
) -> Result<(), DeclarationError> {
    let is_listed = |declared: &Declaration| {
        let derives = |listed: &&Declaration| listed.entity == declared.entity;
        let mut derives = list
            .iter()
            .filter(derives)
            .map(|listed| listed.part.derive())
            .peekable();
        derives.peek().is_none() || derives.any(|derive| derive == declared.part.derive())
    };

    for declared in linked {
        if !is_listed(&declared) {
            return Err(DeclarationError::Unlisted {
                entity: declared.entity.name,
                derive: declared.part.derive(),
            });
        }
    }

    Ok(())
}

pub(super) fn marked(raw: &RawTable, marked: &Marked) -> Result<Identifier, DeclarationError> {
    if let Some(found) = &marked.wrong {
        let (column, found) = (marked.column.clone(), found.clone());
        return Err(DeclarationError::Marked {
            table: raw.to_string(),
            column,
            found,
        });
    }

    Identifier::new(marked.column.clone()).map_err(|source| DeclarationError::Name {
        table: raw.to_string(),
        source,
    })
}

/// The columns to which privileges are limited, as names that PostgreSQL keeps.
pub(super) fn columns(
    raw: &RawTable,
    granted: &DeclaredGrant,
) -> Result<Columns, DeclarationError> {
    let mut limited = Columns::new();
    for (privilege, columns) in &granted.columns {
        let on = limited.entry(*privilege).or_default();
        for column in columns {
            let column = Identifier::new(column.clone());
            on.insert(column.map_err(|source| DeclarationError::Name {
                table: raw.to_string(),
                source,
            })?);
        }
    }

    Ok(limited)
}

/// Checks the policies of a scope, by building each of them with the default roles.
pub(super) fn policies(raw: &RawTable, scope: &Scope) -> Result<(), DeclarationError> {
    let config = RlsConfig::new();
    for draft in &scope.policies {
        draft
            .build(&config)
            .map_err(|source| DeclarationError::Policy {
                table: raw.to_string(),
                source,
            })?;
    }

    for expression in scope.policies.iter().flat_map(PolicyDraft::expressions) {
        let names = settings::spelt_in(expression).map_err(|call| DeclarationError::Setting {
            table: raw.to_string(),
            call,
        })?;

        for name in names {
            SettingName::new(&name).map_err(|source| DeclarationError::Name {
                table: raw.to_string(),
                source,
            })?;
        }
    }

    if let [one, other] = scope.keys.as_slice()
        && one.column == other.column
    {
        return Err(DeclarationError::Clash {
            table: raw.to_string(),
        });
    }

    let mut names = BTreeSet::new();
    for policy in scope::policies_of(scope, &config) {
        if !names.insert(policy.name.clone()) {
            let policy = policy.name.to_string();
            return Err(DeclarationError::PolicyTwice {
                table: raw.to_string(),
                policy,
            });
        }
    }

    Ok(())
}

/// The column by which Citus distributes a table, if its entity says so.
///
/// # Errors
///
/// [`DeclarationError::NotDistributable`] if a row has no such column, or if rows belong to someone
/// through other rows: the policy would be a sub-select, which Citus refuses.
pub(super) fn distribution(
    declared: &Declared<'_>,
    scope: &Scope,
) -> Result<Option<Distribution>, DeclarationError> {
    let distributed: Vec<_> = declared
        .scopes
        .iter()
        .filter(|part| part.distribute)
        .map(|part| part.holder)
        .collect();
    if distributed.is_empty() {
        return Ok(None);
    }

    let key = scope
        .keys
        .iter()
        .find(|key| distributed.iter().all(|holder| key.holder == *holder));
    match key {
        Some(key) if scope.through.is_empty() => Ok(Some(Distribution::By(key.column.clone()))),
        _ => Err(DeclarationError::NotDistributable {
            table: declared.raw.to_string(),
        }),
    }
}
