//! What the derives assert at compile time, worded for the one who wrote the field.

use sea_orm::{EntityTrait, PrimaryKeyTrait};

use crate::entity::OwnerKey;

/// The type of an entity's primary key.
pub type KeyOf<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

/// The type of an owner whose identity has the key `Key`: that type.
#[diagnostic::on_unimplemented(
    message = "the owner is `{Self}`, but the key of its `user` is `{Key}`",
    label = "expected `{Key}`",
    note = "an owner has the type of its user's primary key, and is never NULL"
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
