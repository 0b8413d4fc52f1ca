//! The scoped tables. Their statements are written as SQL, so that both sides run the same text but
//! for the owner.

macro_rules! entities {
    ($($name:ident = $table:tt;)*) => {
        $(pub mod $name {
            use sea_orm::entity::prelude::*;
            use sea_orm_rls::UserScoped;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
            #[sea_orm(table_name = $table)]
            #[user_scoped(no_foreign_key, index(created_at))]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i64,
                pub owner_id: Uuid,
                pub created_at: DateTimeWithTimeZone,
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        })*

        pub fn registry() -> sea_orm_rls::Registry {
            sea_orm_rls::registry![
                $($name::Entity,)*
                project::Entity,
                public_project::Entity,
                by_plain::Entity,
                by_bound::Entity,
                by_both::Entity,
                by_policy::Entity,
            ]
            .unwrap()
        }
    };
}

entities! {
    task = "task";
    note = "note";
    document = "document";
    hundredth = "others_hundredth";
    tenth = "others_tenth";
    whole = "others_whole";
}

#[allow(dead_code, reason = "what is derived is not all used")]
pub mod project {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "project")]
    #[user_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub owner_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Projects that others may read, so that a policy binds what refers to them.
#[allow(dead_code, reason = "what is derived is not all used")]
pub mod public_project {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "public_project")]
    #[user_scoped(no_foreign_key, read = is_public)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub owner_id: Uuid,
        pub is_public: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Items of projects, whose reference is bound or not.
macro_rules! items {
    ($($name:ident = $table:tt to $project:ident $(, $keys:tt)?;)*) => {
        $(#[allow(dead_code, reason = "what is derived is not all used")]
        pub mod $name {
            use sea_orm::entity::prelude::*;
            use sea_orm_rls::UserScoped;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
            #[sea_orm(table_name = $table)]
            #[user_scoped(no_foreign_key, index(created_at))]
            $(#[user_scoped $keys])?
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i64,
                pub owner_id: Uuid,
                pub created_at: DateTimeWithTimeZone,
                pub project_id: i64,
                #[sea_orm(belongs_to, relation_enum = "Project", from = "project_id", to = "id")]
                pub project: HasOne<super::$project::Entity>,
            }

            impl ActiveModelBehavior for ActiveModel {}
        })*
    };
}

items! {
    by_plain = "item_by_plain" to project;
    by_bound = "item_by_bound" to project, (bind = project);
    by_both = "item_by_both" to project, (bind = project);
    by_policy = "item_by_policy" to public_project, (bind = project);
}
