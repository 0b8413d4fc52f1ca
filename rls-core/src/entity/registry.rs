//! The registered entities: linked into the program, or listed by hand.

mod anchor;
mod check;
mod scope;
mod settings;
mod tables;

use crate::entity::Declaration;
use crate::entity::DeclarationError;
use crate::model::policy::PolicyDraft;
use crate::model::scope::Scope;
use crate::name::SettingName;

use tables::Tables;

/// An entity that its derive registered; collected by [`Registry::linked`].
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// The entity's declaration.
    pub declaration: fn() -> Declaration,
}

inventory::collect!(Registered);

/// The scopes of all registered entities, one a table, ordered by schema and table.
#[derive(Clone, Debug, PartialEq)]
pub struct Registry {
    scopes: Vec<Scope>,
}

impl Registry {
    /// Every entity with one of this family's derives that is linked into this program.
    ///
    /// An entity crate that nothing in the program names is not linked; refer to it once, or list
    /// its entities with [`registry!`](crate::entity::registry).
    ///
    /// # Errors
    ///
    /// [`DeclarationError::NoEntities`] where there is none; else what [`Registry::new`] says.
    pub fn linked() -> Result<Self, DeclarationError> {
        Self::of(&linked().collect::<Vec<_>>())
    }

    /// Checks declarations against each other and makes one scope a table of them.
    ///
    /// # Errors
    ///
    /// [`DeclarationError`]: none given, a bad name, an owner column of a type no owner can have or of another type
    /// than the identity's key, no identity to refer to, a `via` that leads nowhere, policies
    /// PostgreSQL would refuse, or two entities that say different things of one table;
    /// [`DeclarationError::Unlisted`] where an entity has another of this family's derives, whose
    /// declaration is not among these.
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

        Ok(Self {
            scopes: Tables::of(declarations)?.scopes()?,
        })
    }

    /// The scopes, ordered by schema and table.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The settings that carry a context to these tables, each once, ordered.
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

/// Lists entities by hand: `registry![user::Entity, task::Entity]` is a [`Registry`] or why it
/// cannot be one. An entity that derives more than [`UserScoped`](crate::UserScoped) is listed once
/// for each derive: `registry![post::Entity, post::Entity as TenantScoped]`.
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
