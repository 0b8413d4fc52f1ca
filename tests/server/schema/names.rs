//! Names with quotes, spaces, capitals and keywords, schemas, every type of owner, renamed columns.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Schema, Set,
};
use sea_orm_rls::error::{DeclarationError, NameError};
use sea_orm_rls::{Registry, RlsConnection, RlsError, RlsSchema, UserContext, registry};

use super::{database, text};
use crate::fixture::config;

/// An identity and an owned entity with a key of one type, under awkward names, in a schema of its
/// own.
macro_rules! entities {
    ($module:ident, $key:ty, $schema:literal, $user:literal, $item:literal, $column:literal) => {
        #[allow(dead_code, reason = "SeaORM generates more than each test uses")]
        mod $module {
            pub mod user {
                use sea_orm::entity::prelude::*;
                use sea_orm_rls::UserScoped;

                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
                #[sea_orm(table_name = $user, schema_name = $schema)]
                #[user_scoped(identity, setting = "Names.user$1")]
                pub struct Model {
                    #[sea_orm(
                        primary_key,
                        auto_increment = false,
                        column_name = "Key of \"user\""
                    )]
                    pub id: $key,
                }
                impl ActiveModelBehavior for ActiveModel {}
            }
            pub mod item {
                use sea_orm::entity::prelude::*;
                use sea_orm_rls::UserScoped;

                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
                #[sea_orm(table_name = $item, schema_name = $schema)]
                #[user_scoped(owner = "author", setting = "Names.user$1", index("order"))]
                pub struct Model {
                    #[sea_orm(primary_key)]
                    pub id: i64,
                    #[sea_orm(column_name = $column)]
                    pub author: $key,
                    pub order: i32,
                }
                impl ActiveModelBehavior for ActiveModel {}
            }
        }
    };
}

entities!(
    by_uuid,
    Uuid,
    "select",
    "table",
    "Grant \"all\"; --",
    "user"
);

entities!(by_i32, i32, "Sche ma", "User's", "it''em\\", "Own\"er");

entities!(
    by_i64,
    i64,
    "s",
    "u",
    "a_name_of_sixty_three_bytes_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "o"
);

entities!(by_string, String, "ünï", "ユーザー", "タスク", "所有者");

mod too_long {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "a_name_of_sixty_four_bytes_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    #[user_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn name_that_postgres_would_cut_is_an_error() {
    let error = registry![too_long::Entity].unwrap_err();
    assert!(
        matches!(
            &error,
            DeclarationError::Name {
                source: NameError::TooLong { .. },
                ..
            }
        ),
        "{error}"
    );
}

/// Protects the tables, writes a row as each of two users, and expects each to see one; twice, so
/// that the second convergence is seen to change nothing.
macro_rules! works {
    ($name:ident, $module:ident, $one:expr, $two:expr) => {
        #[tokio::test]
        async fn $name() {
            use $module::{item, user};
            let (database, owner) = database().await;
            let registry: Registry = registry![user::Entity, item::Entity].unwrap();
            let schema = registry.scopes()[0].table.schema.clone().unwrap();
            owner
                .execute_unprepared(&format!(
                    "CREATE SCHEMA \
                                              \"{}\"",
                    schema.as_str().replace('"', "\"\"")
                ))
                .await
                .unwrap();
            let create = Schema::new(DbBackend::Postgres);
            owner
                .execute(&create.create_table_from_entity(user::Entity))
                .await
                .unwrap();
            owner
                .execute(&create.create_table_from_entity(item::Entity))
                .await
                .unwrap();
            let config = config(&database);
            let rls = RlsSchema::new(registry.clone(), config.clone());
            rls.sync(&owner).await.unwrap();
            assert_eq!(rls.sync(&owner).await.unwrap().to_string(), "");
            let db = RlsConnection::connect_with(database.url(), config, registry)
                .await
                .unwrap();
            for (key, order) in [($one, 1), ($two, 2)] {
                let scoped = db.scope(UserContext::new(&key).setting("names.USER$1"));
                user::ActiveModel {
                    id: Set(key.clone()),
                }
                .insert(&scoped)
                .await
                .unwrap();
                let item = item::ActiveModel {
                    order: Set(order),
                    ..Default::default()
                };
                assert_eq!(item.insert(&scoped).await.unwrap().author, key);
                assert_eq!(item::Entity::find().all(&scoped).await.unwrap().len(), 1);
                let forged = item::ActiveModel {
                    order: Set(3),
                    author: Set($one),
                    ..Default::default()
                };
                let forged = forged.insert(&scoped).await;
                assert_eq!(forged.is_ok(), key == $one);
                if let Err(error) = forged {
                    assert!(
                        matches!(RlsError::from(&error), RlsError::PolicyRefused { .. }),
                        "{error:?}"
                    );
                }
                let deleted = item::Entity::delete_many()
                    .exec(&db.anonymous())
                    .await
                    .unwrap();
                assert_eq!(deleted.rows_affected, 0);
            }
            let one = db.scope(UserContext::new($one).setting("names.user$1"));
            assert_eq!(item::Entity::find().count(&one).await.unwrap(), 2);
            let index = "SELECT count(*)::text FROM pg_indexes WHERE indexdef ~ 'btree \\(.*, \
                         \"order\"\\)'";
            assert_eq!(text(&owner, index).await, "1");
        }
    };
}

works!(
    uuid_owner_under_keywords_works,
    by_uuid,
    uuid::Uuid::from_u128(1),
    uuid::Uuid::from_u128(2)
);

works!(
    i32_owner_under_quotes_and_spaces_works,
    by_i32,
    1_i32,
    -2_i32
);

works!(i64_owner_under_63_bytes_works, by_i64, 1_i64 << 40, 2_i64);

works!(
    string_owner_beyond_ascii_works,
    by_string,
    "o'neill \\ \"x\" é\n--".to_owned(),
    "$$; COMMIT; --".to_owned()
);

#[tokio::test]
async fn context_value_with_nul_is_a_typed_error() {
    use by_string::{item, user};

    let (database, owner) = database().await;
    owner
        .execute_unprepared("CREATE SCHEMA \"ünï\"")
        .await
        .unwrap();

    let create = Schema::new(DbBackend::Postgres);
    owner
        .execute(&create.create_table_from_entity(user::Entity))
        .await
        .unwrap();
    owner
        .execute(&create.create_table_from_entity(item::Entity))
        .await
        .unwrap();

    let registry = registry![user::Entity, item::Entity].unwrap();
    let config = config(&database);
    RlsSchema::new(registry.clone(), config.clone())
        .sync(&owner)
        .await
        .unwrap();

    let db = RlsConnection::connect_with(database.url(), config, registry)
        .await
        .unwrap();
    let error = item::Entity::find()
        .all(&db.scope(UserContext::new("a\0b")))
        .await
        .unwrap_err();

    assert!(
        matches!(RlsError::from(&error), RlsError::Context(_)),
        "{error:?}"
    );
    assert!(!format!("{error:?} {error}").contains("a\0b"));
}
