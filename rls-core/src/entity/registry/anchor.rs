//! What ties the rows of a table to users and tenants: a key column, or a reference to another
//! table.

use std::collections::BTreeMap;

use super::tables::{Declared, Tables};
use crate::entity::DeclarationError;
use crate::entity::part::{Anchor, DeclaredKey, DeclaredKind, DeclaredOwned};
use crate::entity::raw::{RawColumn, RawReference, RawTable};
use crate::model::key::{Holder, KeyType};
use crate::model::privilege::Privilege;
use crate::model::scope::{self, ForeignKey, Key, Owned, ScopeKind, Through};
use crate::name::{Identifier, NameError, SettingName, TableName};

impl<'a> Tables<'a> {
    /// The keys and references of a table, the tenant's first. `path` is the tables that lead to
    /// it.
    pub(super) fn anchors(
        &self,
        declared: &Declared<'a>,
        path: &mut Vec<TableName>,
    ) -> Result<(Vec<Key>, Vec<Through>), DeclarationError> {
        let mut anchors: BTreeMap<Holder, (Vec<Key>, Vec<Through>)> = BTreeMap::new();
        for part in &declared.scopes {
            let found = match &part.anchor {
                Anchor::Key(key) => (
                    vec![self::key(declared.raw, part.holder, key, self)?],
                    Vec::new(),
                ),
                Anchor::Through(references) => {
                    let through =
                        |reference| through(declared.raw, part.holder, reference, self, path);
                    (
                        Vec::new(),
                        references.iter().map(through).collect::<Result<_, _>>()?,
                    )
                }
            };

            // Two entities on one table may declare the same in two ways.
            match anchors.get(&part.holder) {
                Some(other) if *other != found => return Err(declared.clash()),
                Some(_) => {}
                None => drop(anchors.insert(part.holder, found)),
            }
        }

        let (mut keys, mut through) = (Vec::new(), Vec::new());
        for (found, references) in anchors.into_values() {
            keys.extend(found);
            through.extend(references);
        }

        lead_with_tenant(&mut keys);
        Ok((keys, through))
    }
}

fn key<'a>(
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
        DeclaredKind::Identity => (declared_key, ScopeKind::Identity),
        DeclaredKind::Owned(owned) => {
            let identity = tables.identity(raw, holder, owned)?;
            if let Some((table, _)) = identity
                && let Some((other, _)) = owned.others.iter().find(|(_, to)| to == table)
            {
                return Err(DeclarationError::OwnerElsewhere {
                    table: raw.to_string(),
                    column: declared.column.column.clone(),
                    other: other.clone(),
                });
            }

            let identity_key =
                identity.map_or(Ok(None), |(table, column)| column.key_type(table))?;

            if let (Some(owner), Some(identity_key), Some((table, column))) =
                (declared_key, identity_key, identity)
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

            let owned = self::owned(declared, owned, identity).map_err(named)?;
            (declared_key.or(identity_key), ScopeKind::Owned(owned))
        }
    };

    let setting = declared.setting.as_deref();
    let setting = setting.unwrap_or(holder.default_setting());

    Ok(Key {
        holder,
        column: Identifier::new(declared.column.column.clone()).map_err(named)?,
        key: key.unwrap_or(KeyType::Uuid),
        setting: SettingName::new(setting).map_err(named)?,
        kind,
    })
}

fn owned(
    key: &DeclaredKey,
    owned: &DeclaredOwned,
    identity: Option<(&RawTable, &RawColumn)>,
) -> Result<Owned, NameError> {
    let foreign_key = match identity {
        Some((table, column)) if owned.foreign_key => Some(ForeignKey {
            table: table.check()?,
            column: Identifier::new(column.column.clone())?,
            on_delete: owned.on_delete,
        }),
        _ => None,
    };

    Ok(Owned {
        foreign_key,
        index: index(key, owned)?,
        default: owned.default,
        backfill: owned.backfill.clone(),
    })
}

/// The columns of the index: the owner, then those that `index(…)` names.
fn index(declared: &DeclaredKey, owned: &DeclaredOwned) -> Result<Vec<Identifier>, NameError> {
    let leading = &declared.column.column;
    let rest = owned.index.iter().filter(|column| *column != leading);
    std::iter::once(leading)
        .chain(rest)
        .map(|column| Identifier::new(column.clone()))
        .collect()
}

/// Puts the tenant before the user. The tenant's index continues with the user, so that one index
/// serves the policies' conditions on both.
fn lead_with_tenant(keys: &mut [Key]) {
    keys.sort_by_key(|key| std::cmp::Reverse(key.holder));

    let [tenant, user] = keys else { return };

    if let ScopeKind::Owned(owned) = &mut tenant.kind
        && !owned.index.contains(&user.column)
    {
        owned.index.insert(1, user.column.clone());
    }
}

fn through(
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
    if written && declared.primary_key != [parent_column.as_str()] {
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

/// Whether the application may write to the table. Then only a unique column tells whose a row is.
fn is_written(declared: &Declared<'_>) -> bool {
    let privileges = declared.privileges().privileges;
    privileges.contains(&Privilege::Insert) || privileges.contains(&Privilege::Update)
}
