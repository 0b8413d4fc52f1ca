//! From SeaORM's entities to scopes: a derive implements a trait here and registers a
//! [`Declaration`], and the [`Registry`] checks all declarations and makes the scopes.

// May import `name`, `config`, `model` and `sql`. Knows nothing of a server.

pub(crate) mod assert;
mod declaration;
pub(crate) mod derived;
mod error;
mod part;
mod place;
mod raw;
pub(crate) mod registry;

use sea_orm::EntityTrait;
use sea_orm::sea_query::{Alias, DynIden, IntoIden};

pub use declaration::Declaration;
pub use error::DeclarationError;
pub use place::Place;
pub use registry::{Registered, Registry};

pub(crate) use part::{
    Anchor, DeclaredKey, DeclaredKind, DeclaredOwned, DeclaredScope, Marked, Part,
};
pub(crate) use raw::{RawColumn, RawReference, RawTable};

/// The owner column, unless an entity names another.
pub const DEFAULT_OWNER: &str = "owner_id";

/// The tenant column, unless an entity names another.
pub const DEFAULT_TENANT: &str = "tenant_id";

/// An entity with rows that belong to users. `#[derive(UserScoped)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not scoped to users",
    note = "derive `UserScoped` on its `Model`; if it derives another, list it as that: \
            `registry![country::Entity as Unscoped]`"
)]
pub trait UserScoped: EntityTrait {
    /// What the entity declares of its owner.
    fn declaration() -> Declaration;

    /// The owner column, for filters and joins. The table has it even if the model has no such
    /// field.
    #[must_use]
    fn owner_column() -> DynIden
    where
        Self: OwnerColumn,
    {
        Alias::new(Self::declaration().key_column().unwrap_or(DEFAULT_OWNER)).into_iden()
    }
}

/// An entity with an owner column. `#[derive(UserScoped)]` without `via` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no owner column",
    note = "its rows belong to users `via` those they refer to: filter by the column there"
)]
pub trait OwnerColumn: UserScoped {}

/// An entity with rows that belong to tenants. `#[derive(TenantScoped)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not scoped to tenants",
    note = "derive `TenantScoped` on its `Model`"
)]
pub trait TenantScoped: EntityTrait {
    /// What the entity declares of its tenant.
    fn declaration() -> Declaration;

    /// The tenant column, for filters and joins. The table has it even if the model has no such
    /// field.
    #[must_use]
    fn tenant_column() -> DynIden
    where
        Self: TenantColumn,
    {
        Alias::new(Self::declaration().key_column().unwrap_or(DEFAULT_TENANT)).into_iden()
    }
}

/// An entity with a tenant column. `#[derive(TenantScoped)]` without `via` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no tenant column",
    note = "its rows belong to tenants `via` those they refer to: filter by the column there"
)]
pub trait TenantColumn: TenantScoped {}

/// An entity with its own policies. `#[derive(RlsPolicies)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no policies",
    note = "derive `RlsPolicies` on its `Model`"
)]
pub trait RlsPolicies: EntityTrait {
    /// The entity's policies.
    fn declaration() -> Declaration;
}

/// An entity whose table has no row-level security, for a reason. `#[derive(Unscoped)]` implements
/// it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not declared as unscoped",
    note = "derive `Unscoped` on its `Model`"
)]
pub trait Unscoped: EntityTrait {
    /// The reason, and the privileges of the application's role.
    fn declaration() -> Declaration;
}

/// A Rust type that an owner or tenant column can have.
///
/// Implement it for a type of your own if its column is `uuid`, `integer`, `bigint`, `text` or
/// `varchar`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of an owner or tenant column",
    label = "expected `Uuid`, `i32`, `i64` or `String`",
    note = "such a column is never NULL: write `Uuid`, not `Option<Uuid>`"
)]
pub trait OwnerKey {}

impl OwnerKey for uuid::Uuid {}
impl OwnerKey for i32 {}
impl OwnerKey for i64 {}
impl OwnerKey for String {}
