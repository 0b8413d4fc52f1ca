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
            sea_orm_rls::registry![$($name::Entity),*].unwrap()
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
