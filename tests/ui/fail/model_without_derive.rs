//! `#[sea_orm_rls::model]` without `UserScoped` would leave the table to everyone.

mod task {
    use sea_orm::entity::prelude::*;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(owner = "author_id")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
