//! Owners of all types that can be one, and of a type of one's own.

use sea_orm_rls::Registry;
use sea_orm_rls::model::KeyType;

macro_rules! tables {
    ($module:ident, $key:ty, $sea_orm:meta) => {
        mod $module {
            use sea_orm::entity::prelude::*;

            pub mod user {
                use super::*;
                use sea_orm_rls::UserScoped;

                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
                #[sea_orm(table_name = "user")]
                #[user_scoped(identity)]
                pub struct Model {
                    #[sea_orm(primary_key, auto_increment = false)]
                    #[$sea_orm]
                    pub id: $key,
                }

                impl ActiveModelBehavior for ActiveModel {}
            }

            pub mod task {
                use super::*;
                use sea_orm_rls::UserScoped;

                #[sea_orm_rls::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
                #[sea_orm(table_name = "task")]
                #[user_scoped(user = super::user::Entity)]
                pub struct Model {
                    #[sea_orm(primary_key)]
                    pub id: i32,
                    #[$sea_orm]
                    pub owner_id: $key,
                }

                impl ActiveModelBehavior for ActiveModel {}
            }
        }
    };
}

mod user_id {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, DeriveValueType)]
    pub struct UserId(pub Uuid);

    impl From<UserId> for String {
        fn from(id: UserId) -> Self {
            id.0.to_string()
        }
    }

    impl sea_orm::TryFromU64 for UserId {
        fn try_from_u64(_: u64) -> Result<Self, DbErr> {
            Err(DbErr::ConvertFromU64("UserId"))
        }
    }

    impl sea_orm_rls::entity::OwnerKey for UserId {}
}

tables!(uuid, Uuid, sea_orm());
tables!(integer, i32, sea_orm());
tables!(big_integer, i64, sea_orm());
tables!(string, String, sea_orm());
tables!(text, String, sea_orm(column_type = "Text"));
tables!(own, crate::pass::key_types::user_id::UserId, sea_orm());

fn key<U: sea_orm_rls::UserScoped, T: sea_orm_rls::UserScoped>() -> KeyType {
    let registry: Registry = sea_orm_rls::registry![U, T].unwrap();
    registry.scopes()[0].keys[0].key
}

pub(crate) fn main() {
    assert_eq!(
        key::<uuid::user::Entity, uuid::task::Entity>(),
        KeyType::Uuid
    );
    assert_eq!(
        key::<integer::user::Entity, integer::task::Entity>(),
        KeyType::Integer
    );
    assert_eq!(
        key::<big_integer::user::Entity, big_integer::task::Entity>(),
        KeyType::BigInteger
    );
    assert_eq!(
        key::<string::user::Entity, string::task::Entity>(),
        KeyType::Text
    );
    assert_eq!(
        key::<text::user::Entity, text::task::Entity>(),
        KeyType::Text
    );
    assert_eq!(key::<own::user::Entity, own::task::Entity>(), KeyType::Uuid);
}
