//! `bind` that names no reference, or one that nothing can bind.

use sea_orm_rls::error::DeclarationError;

use super::refused;

/// A table that refers to another.
macro_rules! entity {
    ($module:ident, $derive:ident, $keys:meta, $parent:ident) => {
        mod $module {
            use sea_orm::entity::prelude::*;
            use sea_orm_rls::$derive;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, $derive)]
            #[sea_orm(table_name = "of")]
            #[$keys]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                pub owner_id: i32,
                pub parent_id: i32,
                #[sea_orm(belongs_to, relation_enum = "Parent", from = "parent_id", to = "id")]
                pub parent: HasOne<super::$parent::Entity>,
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod country {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::Unscoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "country")]
    #[unscoped(reason = "the same for all", grant(select))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod shared {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "shared")]
    #[user_scoped(read = is_public, bind = "Before")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: i32,
        pub is_public: bool,
        pub before_id: i32,
        #[sea_orm(self_ref, relation_enum = "Before", from = "before_id", to = "id")]
        pub before: HasOne<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

entity!(misspelt, UserScoped, user_scoped(bind = "parnt"), user);
entity!(of_user, UserScoped, user_scoped(bind = "parent"), user);
entity!(
    of_country,
    UserScoped,
    user_scoped(bind = "parent"),
    country
);
entity!(
    of_itself,
    UserScoped,
    user_scoped(owner = "parent_id", bind = "parent"),
    user
);

pub(super) fn main() {
    let error = refused(
        sea_orm_rls::registry![user::Entity, misspelt::Entity],
        "table `of`: `bind = \"parnt\"` names no relation over one column by which its rows refer to others; the \
         relations are Parent",
    );
    assert!(matches!(error, DeclarationError::Bind { known, .. } if known == ["Parent"]));

    let unbindable = |registry, to: &str, reason: &str| {
        let relation = if to == "shared" { "Before" } else { "parent" };
        let message =
            format!("`bind = \"{relation}\"` cannot bind the reference to `{to}`: {reason}");
        let error = match registry {
            Err(error @ DeclarationError::Unbindable { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(error.ends_with(&message), "{error}");
    };

    unbindable(
        sea_orm_rls::registry![user::Entity, of_user::Entity],
        "user",
        "its rows are the users or tenants: if the column says whose a row is, name it by `owner` (`column` for tenants)",
    );
    unbindable(
        sea_orm_rls::registry![user::Entity, of_country::Entity],
        "country",
        "no entity is registered for that table",
    );
    unbindable(
        sea_orm_rls::registry![
            user::Entity,
            of_country::Entity,
            country::Entity as Unscoped
        ],
        "country",
        "its rows belong to nobody",
    );
    unbindable(
        sea_orm_rls::registry![user::Entity, of_itself::Entity],
        "user",
        "the column itself says whose the row is",
    );
    unbindable(
        sea_orm_rls::registry![user::Entity, shared::Entity],
        "shared",
        "a policy would have to read its own table: only a table whose rows belong to users or tenants by columns, \
         without `read` and policies of its own, can bind a reference to itself",
    );
}
