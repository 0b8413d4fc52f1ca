//! What the derives assert at compile time, worded for the one who wrote the field.

use sea_orm::{EntityTrait, PrimaryKeyTrait};

use crate::entity::OwnerKey;

/// The type of an entity's primary key.
pub type KeyOf<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

/// The type of a column that refers to an identity with the key `Key`: that type.
#[diagnostic::on_unimplemented(
    message = "the column is `{Self}`, but the key it refers to is `{Key}`",
    label = "expected `{Key}`",
    note = "an owner or tenant column has the type of the primary key of its `user` or `tenant`, \
            and is never NULL"
)]
pub trait SameKey<Key> {}

impl<Key> SameKey<Key> for Key {}

/// Compiles where `Owner` can be an owner's type.
pub const fn assert_owner_key<Owner: OwnerKey>() {}

/// Compiles where `Owner` is the type of `User`'s key.
pub const fn assert_owner_of<User: EntityTrait, Owner: SameKey<KeyOf<User>>>() {}

/// Compiles where the key of `User` can be an owner's type.
pub const fn assert_identity<User: EntityTrait>()
where
    KeyOf<User>: OwnerKey,
{
}
