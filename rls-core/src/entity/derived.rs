//! What the derives implement on a `Model`, and how its entity gets its trait.
//!
//! A derive sees the `Model`, whose entity is `<Model as ModelTrait>::Entity`. Two implementations of
//! a trait for such types, in two crates of which one depends on the other, contradict each other for
//! the compiler (E0119): it takes the other crate's as unknown. Those for a `Model` do not.

use sea_orm::{EntityTrait, ModelTrait};

use super::{
    Declaration, OwnerColumn, RlsPolicies, TenantColumn, TenantScoped, Unscoped, UserScoped,
};

/// The kind of `#[derive(UserScoped)]`.
#[derive(Debug)]
pub enum OfUsers {}

/// The kind of `#[derive(TenantScoped)]`.
#[derive(Debug)]
pub enum OfTenants {}

/// The kind of `#[derive(RlsPolicies)]`.
#[derive(Debug)]
pub enum WithPolicies {}

/// The kind of `#[derive(Unscoped)]`.
#[derive(Debug)]
pub enum OfNobody {}

/// A model with a derive of this kind.
pub trait Derived<Kind>: ModelTrait {
    /// What the entity declares.
    fn declaration() -> Declaration;
}

/// A model with a derive of this kind, whose table has the column that names the user or tenant.
pub trait DerivedColumn<Kind>: Derived<Kind> {}

macro_rules! lift {
    ($($name:ident: $kind:ty;)*) => {
        $(
            // The compiler tells of the entity's trait, which is what a reader knows.
            #[diagnostic::do_not_recommend]
            impl<E: EntityTrait> $name for E
            where
                E::Model: Derived<$kind>,
            {
                fn declaration() -> Declaration {
                    <E::Model as Derived<$kind>>::declaration()
                }
            }
        )*
    };
}

lift! {
    UserScoped: OfUsers;
    TenantScoped: OfTenants;
    RlsPolicies: WithPolicies;
    Unscoped: OfNobody;
}

#[diagnostic::do_not_recommend]
impl<E: UserScoped> OwnerColumn for E where E::Model: DerivedColumn<OfUsers> {}

#[diagnostic::do_not_recommend]
impl<E: TenantScoped> TenantColumn for E where E::Model: DerivedColumn<OfTenants> {}
