//! What the derives assert at compile time. The messages speak of the field that the user wrote.

use sea_orm::{EntityTrait, PrimaryKeyTrait};

use crate::entity::OwnerKey;

/// The type of an entity's primary key.
pub type KeyOf<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

/// The type of a column that refers to a primary key of type `Key`: the same type.
#[diagnostic::on_unimplemented(
    message = "the column is `{Self}`, but the key it refers to is `{Key}`",
    label = "expected `{Key}`",
    note = "an owner or tenant column has the type of the primary key of its `user` or `tenant`, \
            and is never NULL"
)]
pub trait SameKey<Key> {}

impl<Key> SameKey<Key> for Key {}

/// Compiles if `Owner` can be the type of an owner column.
pub const fn assert_owner_key<Owner: OwnerKey>() {}

/// Compiles if `Owner` is the type of the primary key of `User`.
pub const fn assert_owner_of<User: EntityTrait, Owner: SameKey<KeyOf<User>>>() {}

/// Compiles if the primary key of `User` can be the type of an owner column.
pub const fn assert_identity<User: EntityTrait>()
where
    KeyOf<User>: OwnerKey,
{
}
