//! `read` names a field that is a `bool`.

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(read = "is_publik")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub is_public: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod note {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "note")]
    #[user_scoped(read = visibility)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub visibility: Option<bool>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
