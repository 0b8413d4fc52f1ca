use sea_orm::{DbErr, EntityTrait};
use sea_orm_rls::ScopedConnection;
use sea_orm_rls::context::OwnRows;

use crate::world::user;

mod draft {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    // snippet
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "draft")]
    #[user_scoped(user = super::user::Entity, distribute)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub title: String,
    }
    // end

    impl ActiveModelBehavior for ActiveModel {}
}

async fn own(mine: ScopedConnection) -> Result<Vec<draft::Model>, DbErr> {
    // snippet
    let drafts = draft::Entity::find().of_user(&mine).all(&mine).await?;
    draft::Entity::delete_many()
        .of_user(&mine)
        .exec(&mine)
        .await?;
    // end
    Ok(drafts)
}
