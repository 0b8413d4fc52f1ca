//! The registered entities: linked into the program, or listed by hand.

use std::collections::BTreeMap;

use crate::entity::{Declaration, DeclaredKind, DeclaredOwned, RawColumn, RawTable, owner_key};
use crate::error::{DeclarationError, NameError};
use crate::name::{Identifier, SettingName, TableName};
use crate::scope::{ForeignKey, KeyType, Owned, Scope, ScopeKind};

/// An entity that its derive registered; collected by [`Registry::linked`].
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// The entity's declaration.
    pub declaration: fn() -> Declaration,
}

inventory::collect!(Registered);

/// The scopes of all registered entities, one a table, ordered by schema and table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    scopes: Vec<Scope>,
}

impl Registry {
    /// Every entity with `#[derive(UserScoped)]` that is linked into this program.
    ///
    /// An entity crate that nothing in the program names is not linked; refer to it once, or list its entities with
    /// [`registry!`](crate::registry).
    ///
    /// # Errors
    ///
    /// [`DeclarationError::NoEntities`] where there is none; else what [`Registry::new`] says.
    pub fn linked() -> Result<Self, DeclarationError> {
        Self::new(inventory::iter::<Registered>().map(|entity| (entity.declaration)()))
    }

    /// Checks declarations against each other and keeps one a table.
    ///
    /// # Errors
    ///
    /// [`DeclarationError`]: none given, a bad name, an owner column of a type no owner can have or of another type
    /// than the identity's key, no identity to refer to, or two entities that say different things of one table.
    pub fn new(declarations: impl IntoIterator<Item = Declaration>) -> Result<Self, DeclarationError> {
        let declarations: Vec<Declaration> = declarations.into_iter().collect();
        if declarations.is_empty() {
            return Err(DeclarationError::NoEntities);
        }
        let identities = Identities::of(&declarations);
        let mut scopes: BTreeMap<TableName, Scope> = BTreeMap::new();
        for declaration in &declarations {
            let scope = check(declaration, &identities)?;
            match scopes.get(&scope.table) {
                Some(other) if *other != scope => {
                    return Err(DeclarationError::Clash { table: scope.table.to_string() });
                }
                Some(_) => {}
                None => drop(scopes.insert(scope.table.clone(), scope)),
            }
        }
        Ok(Self { scopes: scopes.into_values().collect() })
    }

    /// The scopes, ordered by schema and table.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The settings that carry a context to these tables, each once, ordered.
    #[must_use]
    pub fn settings(&self) -> Vec<SettingName> {
        let mut settings: Vec<_> = self.scopes.iter().map(|scope| scope.setting.clone()).collect();
        settings.sort();
        settings.dedup();
        settings
    }
}

/// Lists entities by hand: `registry![user::Entity, task::Entity]` is a [`Registry`] or why it cannot be one.
#[macro_export]
macro_rules! registry {
    ($($entity:ty),* $(,)?) => {
        $crate::Registry::new([$(<$entity as $crate::UserScoped>::declaration()),*])
    };
}

/// The registered identities, deduplicated.
struct Identities<'a>(Vec<(&'a RawTable, &'a RawColumn)>);

impl<'a> Identities<'a> {
    fn of(declarations: &'a [Declaration]) -> Self {
        let mut found: Vec<(&RawTable, &RawColumn)> = Vec::new();
        for declaration in declarations {
            if matches!(declaration.kind, DeclaredKind::Identity)
                && found.iter().all(|(table, _)| **table != declaration.table)
            {
                found.push((&declaration.table, &declaration.owner));
            }
        }
        Self(found)
    }

    /// The identity an owned entity refers to: the one it names, else the only one there is.
    fn find(
        &self,
        table: &RawTable,
        owned: &'a DeclaredOwned,
    ) -> Result<Option<(&'a RawTable, &'a RawColumn)>, DeclarationError> {
        if let Some((user, key)) = &owned.user {
            return Ok(Some((user, key)));
        }
        match self.0.as_slice() {
            [identity] => Ok(Some(*identity)),
            _ if !owned.foreign_key => Ok(None),
            [] => Err(DeclarationError::NoIdentity { table: table.to_string() }),
            several => Err(DeclarationError::SeveralIdentities {
                table: table.to_string(),
                identities: several.iter().map(|(table, _)| table.to_string()).collect(),
            }),
        }
    }
}

fn check(declaration: &Declaration, identities: &Identities<'_>) -> Result<Scope, DeclarationError> {
    let raw = &declaration.table;
    let named = |source: NameError| DeclarationError::Name { table: raw.to_string(), source };
    let declared_key = owner_key(raw, &declaration.owner)?;
    let (key, kind) = match &declaration.kind {
        DeclaredKind::Identity => (declared_key.unwrap_or(KeyType::Uuid), ScopeKind::Identity),
        DeclaredKind::Owned(owned) => {
            let user = identities.find(raw, owned)?;
            let identity_key = user.map_or(Ok(None), |(table, column)| owner_key(table, column))?;
            if let (Some(owner), Some(identity_key), Some((table, column))) = (declared_key, identity_key, user)
                && owner != identity_key
            {
                return Err(DeclarationError::KeyMismatch {
                    table: raw.to_string(),
                    column: declaration.owner.column.clone(),
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
                index: index(declaration, owned).map_err(named)?,
                default: owned.default,
                backfill: owned.backfill.clone(),
            });
            (declared_key.or(identity_key).unwrap_or(KeyType::Uuid), kind)
        }
    };
    Ok(Scope {
        table: raw.check().map_err(named)?,
        owner: Identifier::new(declaration.owner.column.clone()).map_err(named)?,
        key,
        setting: declaration.check_setting().map_err(named)?,
        kind,
    })
}

/// The index's columns: the owner, then what `index(…)` names.
fn index(declaration: &Declaration, owned: &DeclaredOwned) -> Result<Vec<Identifier>, NameError> {
    let leading = &declaration.owner.column;
    let rest = owned.index.iter().flatten().filter(|column| *column != leading);
    std::iter::once(leading).chain(rest).map(|column| Identifier::new(column.clone())).collect()
}
