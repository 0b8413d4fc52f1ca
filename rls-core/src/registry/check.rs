//! The parts of a scope, checked against the other tables.

use std::collections::BTreeSet;

use super::settings;
use super::tables::{Declared, Tables};
use crate::config::RlsConfig;
use crate::entity::{
    Declaration, DeclaredKey, DeclaredKind, DeclaredOwned, Marked, RawReference, RawTable,
};
use crate::error::{DeclarationError, NameError};
use crate::name::{Identifier, SettingName, TableName};
use crate::policy::{self, PolicyDraft};
use crate::privilege::Privilege;
use crate::scope::{self, ForeignKey, Holder, Key, KeyType, Owned, Scope, ScopeKind, Through};

/// Whether each derive of an entity in the list is in it too.
pub(super) fn all_listed(
    list: &[Declaration],
    linked: impl Iterator<Item = Declaration>,
) -> Result<(), DeclarationError> {
    let is_listed = |asked: &Declaration| {
        let derives = |listed: &&Declaration| listed.entity == asked.entity;
        let mut derives = list
            .iter()
            .filter(derives)
            .map(|listed| listed.part.derive())
            .peekable();
        derives.peek().is_none() || derives.any(|derive| derive == asked.part.derive())
    };

    for asked in linked {
        if !is_listed(&asked) {
            return Err(DeclarationError::Unlisted {
                entity: asked.entity.name,
                derive: asked.part.derive(),
            });
        }
    }

    Ok(())
}

pub(super) fn key<'a>(
    raw: &RawTable,
    holder: Holder,
    declared: &'a DeclaredKey,
    tables: &Tables<'a>,
) -> Result<Key, DeclarationError> {
    let named = |source: NameError| DeclarationError::Name {
        table: raw.to_string(),
        source,
    };

    let declared_key = declared.column.key_type(raw)?;
    let (key, kind) = match &declared.kind {
        DeclaredKind::Identity => (declared_key.unwrap_or(KeyType::Uuid), ScopeKind::Identity),
        DeclaredKind::Owned(owned) => {
            let user = tables.identity(raw, holder, owned)?;
            let identity_key = user.map_or(Ok(None), |(table, column)| column.key_type(table))?;

            if let (Some(owner), Some(identity_key), Some((table, column))) =
                (declared_key, identity_key, user)
                && owner != identity_key
            {
                return Err(DeclarationError::KeyMismatch {
                    table: raw.to_string(),
                    column: declared.column.column.clone(),
                    found: owner,
                    identity: format!("{table}.{}", column.column),
                    expected: identity_key,
                });
            }

            let foreign_key = match user {
                Some((table, column)) if owned.foreign_key => Some(ForeignKey {
                    table: table.check().map_err(named)?,
                    column: Identifier::new(column.column.clone()).map_err(named)?,
                    on_delete: owned.on_delete,
                }),
                _ => None,
            };

            let kind = ScopeKind::Owned(Owned {
                foreign_key,
                index: index(declared, owned).map_err(named)?,
                default: owned.default,
                backfill: owned.backfill.clone(),
            });

            (declared_key.or(identity_key).unwrap_or(KeyType::Uuid), kind)
        }
    };

    Ok(Key {
        holder,
        column: Identifier::new(declared.column.column.clone()).map_err(named)?,
        key,
        setting: SettingName::new(&declared.setting).map_err(named)?,
        kind,
    })
}

/// The index's columns: the owner, then what `index(…)` names.
fn index(declared: &DeclaredKey, owned: &DeclaredOwned) -> Result<Vec<Identifier>, NameError> {
    let leading = &declared.column.column;
    let rest = owned.index.iter().filter(|column| *column != leading);
    std::iter::once(leading)
        .chain(rest)
        .map(|column| Identifier::new(column.clone()))
        .collect()
}

/// The tenant before the user; and the tenant's index goes on with the user, so that a query that
/// names neither reads one index that leads with both.
pub(super) fn lead_with_tenant(keys: &mut [Key]) {
    keys.sort_by_key(|key| std::cmp::Reverse(key.holder));

    let [tenant, user] = keys else { return };

    if let ScopeKind::Owned(owned) = &mut tenant.kind
        && !owned.index.contains(&user.column)
    {
        owned.index.insert(1, user.column.clone());
    }
}

pub(super) fn through(
    raw: &RawTable,
    holder: Holder,
    reference: &RawReference,
    tables: &Tables<'_>,
    path: &mut Vec<TableName>,
) -> Result<Through, DeclarationError> {
    let (table, relation) = (raw.to_string(), reference.relation.clone());
    let named = |source: NameError| DeclarationError::Name {
        table: raw.to_string(),
        source,
    };

    let Some((column, parent, parent_column)) = &reference.found else {
        return Err(DeclarationError::Via {
            table,
            relation,
            known: reference.known.clone(),
        });
    };

    let unowned = || DeclarationError::ViaUnowned {
        table: raw.to_string(),
        relation: relation.clone(),
        parent: parent.to_string(),
    };

    let (name, declared) = tables.get(parent).ok_or_else(unowned)?;
    if path.contains(name) {
        let path = path.iter().chain([name]).map(ToString::to_string).collect();
        return Err(DeclarationError::ViaCircle { table, path });
    }

    let written = is_written(declared);
    if written && declared.primary_key != Some(parent_column) {
        return Err(DeclarationError::Membership {
            table,
            relation,
            parent: parent.to_string(),
            column: parent_column.clone(),
        });
    }

    path.push(name.clone());

    let (keys, through) = tables.anchors(declared, path)?;
    path.pop();

    Ok(Through {
        holder,
        unique: written,
        column: Identifier::new(column.clone()).map_err(named)?,
        parent: name.clone(),
        parent_column: Identifier::new(parent_column.clone()).map_err(named)?,
        holds: scope::ownership(&keys, &through).ok_or_else(unowned)?,
    })
}

/// Whether the application may write there: then only a key that no two rows share tells whose a
/// row is.
fn is_written(declared: &Declared<'_>) -> bool {
    let privileges = declared.privileges();
    privileges.contains(&Privilege::Insert) || privileges.contains(&Privilege::Update)
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

/// Builds each policy once, for roles that stand for any.
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
    for policy in policy::of(scope, &config) {
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
