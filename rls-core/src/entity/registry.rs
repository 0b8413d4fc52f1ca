//! The registered entities: those linked into the program, or those listed by hand.

mod anchor;
mod bound;
mod check;
mod scope;
mod settings;
mod tables;

use std::collections::BTreeSet;

use crate::entity::{Declaration, DeclarationError, Place};
use crate::model::key::Holder;
use crate::model::policy::PolicyDraft;
use crate::model::scope::Scope;
use crate::name::{SettingName, TableName};

use tables::Tables;

/// An entity that a derive registered. [`Registry::linked`] collects them.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// The entity's declaration.
    pub declaration: fn() -> Declaration,
}

inventory::collect!(Registered);

/// The scopes of all registered entities: one for each table, ordered by schema and table.
#[derive(Clone, Debug)]
pub struct Registry {
    scopes: Vec<Scope>,
    /// Where each table is declared.
    places: BTreeSet<(TableName, Place)>,
}

/// Two registries are the same if their scopes are, wherever they are declared.
impl PartialEq for Registry {
    fn eq(&self, other: &Self) -> bool {
        self.scopes == other.scopes
    }
}

impl Registry {
    /// Collects every entity with a derive of this library that is linked into the program.
    ///
    /// A crate that the program does not name is not linked. Name it once (`use entity as _;`), or
    /// list its entities with [`registry!`](crate::registry).
    ///
    /// # Errors
    ///
    /// [`DeclarationError::NoEntities`] if there is none; otherwise as [`Registry::new`].
    pub fn linked() -> Result<Self, DeclarationError> {
        Self::of(&linked().collect::<Vec<_>>())
    }

    /// Checks the declarations against each other, and makes a scope of each table.
    ///
    /// # Errors
    ///
    /// [`DeclarationError`], if the declarations contradict each other or if PostgreSQL would
    /// refuse them. [`DeclarationError::Unlisted`] if an entity has another derive of this library,
    /// and its declaration is missing.
    pub fn new(
        declarations: impl IntoIterator<Item = Declaration>,
    ) -> Result<Self, DeclarationError> {
        let declarations: Vec<Declaration> = declarations.into_iter().collect();
        let registry = Self::of(&declarations)?;
        check::all_listed(&declarations, linked())?;

        Ok(registry)
    }

    fn of(declarations: &[Declaration]) -> Result<Self, DeclarationError> {
        if declarations.is_empty() {
            return Err(DeclarationError::NoEntities);
        }

        let scopes = Tables::of(declarations)?.scopes()?;
        let place =
            |declaration: &Declaration| Some((declaration.table.check().ok()?, declaration.place?));

        Ok(Self {
            scopes,
            places: declarations.iter().filter_map(place).collect(),
        })
    }

    /// The scopes, ordered by schema and table.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Where a table is declared: the line of each derive of this library on its entity, ordered. A
    /// declaration that no derive made has no line.
    pub fn declared_at(&self, table: &TableName) -> impl Iterator<Item = Place> {
        let of_table = self.places.iter().filter(move |(name, _)| name == table);
        of_table.map(|(_, place)| *place)
    }

    /// The setting that a word of a person means: `user` and `tenant` the one by which rows belong to
    /// users or tenants, another word the setting of that name. `None` if no policy reads it, or if
    /// the entities have several kinds of users or tenants: then only its name means one.
    #[must_use]
    pub fn setting_named(&self, word: &str) -> Option<SettingName> {
        let holder = match word {
            "user" => Some(Holder::User),
            "tenant" => Some(Holder::Tenant),
            _ => None,
        };
        let keys = self.scopes.iter().flat_map(|scope| &scope.keys);
        let of_holder: BTreeSet<&SettingName> = keys
            .filter(|key| Some(key.holder) == holder)
            .map(|key| &key.setting)
            .collect();

        match of_holder.first() {
            Some(setting) if of_holder.len() == 1 => Some((*setting).clone()),
            _ => self
                .settings()
                .into_iter()
                .find(|setting| setting.as_str() == word),
        }
    }

    /// The settings that the policies of these tables read, ordered.
    #[must_use]
    pub fn settings(&self) -> Vec<SettingName> {
        let keys = self
            .scopes
            .iter()
            .flat_map(|scope| &scope.keys)
            .map(|key| key.setting.clone());

        let drafts = self
            .scopes
            .iter()
            .flat_map(|scope| &scope.policies)
            .flat_map(PolicyDraft::expressions);

        let mut settings: Vec<_> = keys.chain(drafts.flat_map(settings::read_by)).collect();
        settings.sort();
        settings.dedup();

        settings
    }
}

fn linked() -> impl Iterator<Item = Declaration> {
    inventory::iter::<Registered>().map(|entity| (entity.declaration)())
}

/// Lists entities by hand: `registry![user::Entity, task::Entity]` is a `Result` with a
/// [`Registry`]. List an entity once for each of its derives, and name those that are not
/// [`UserScoped`](crate::UserScoped): `registry![post::Entity, post::Entity as TenantScoped]`.
#[macro_export]
macro_rules! registry {
    ($($entity:ty $(as $derive:ident)?),* $(,)?) => {
        $crate::Registry::new([$($crate::declaration!($entity $(as $derive)?)),*])
    };
}

/// One entity of [`registry!`].
#[doc(hidden)]
#[macro_export]
macro_rules! declaration {
    ($entity:ty) => {
        <$entity as $crate::UserScoped>::declaration()
    };
    ($entity:ty as $derive:ident) => {
        <$entity as $crate::$derive>::declaration()
    };
}
