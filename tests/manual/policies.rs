use sea_orm::{ActiveModelTrait, DbBackend, EntityTrait, PaginatorTrait, Schema, Set};
use sea_orm_rls::{RlsConnection, RlsContext, RlsSchema, registry};
use uuid::Uuid;

use crate::Tested;
use crate::world::{World, task, user, world};

// snippet
mod notice {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm::sea_query::{Expr, ExprTrait};
    use sea_orm_rls::UserScoped;
    use sea_orm_rls::policy::{self, Command, Policy, PolicyDraft};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "notice")]
    #[user_scoped(user = super::user::Entity, policies = rules)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub owner_id: Uuid,
        pub team_id: i32,
        pub frozen: bool,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden

    fn rules() -> [PolicyDraft; 2] {
        [
            // Permissive: opens rows that the owner's policies do not.
            Policy::permissive("notice_of_team")
                .on([Command::Select])
                .using(Expr::col("team_id").eq(policy::setting::<i32>("app.team_id"))),
            // Restrictive: closes rows that other policies open.
            Policy::restrictive("notice_frozen")
                .on([Command::Update, Command::Delete])
                .using(Expr::col("frozen").not()),
        ]
    }
}
// end

#[derive(RlsContext)]
struct Member {
    #[setting("app.user_id")]
    user: Uuid,
    #[setting("app.team_id")]
    team: i32,
}

#[tokio::test]
async fn declared_policies_open_and_close_rows() -> Tested {
    let World {
        database,
        owner,
        config,
        ann,
        bob,
        ..
    } = world().await?;

    Schema::new(DbBackend::Postgres)
        .builder()
        .register(notice::Entity)
        .register(user::Entity)
        .sync(&owner)
        .await?;

    let entities = registry![user::Entity, task::Entity, notice::Entity]?;
    let rls = RlsSchema::new(entities.clone(), config.clone());
    let plan = rls.plan(&owner).await?.to_string();
    assert!(plan.contains("notice_frozen_update"));
    rls.sync(&owner).await?;

    let db = RlsConnection::connect_with(database.url(), config, entities).await?;
    let hers = db.scope(Member { user: ann, team: 1 });
    let his = db.scope(Member { user: bob, team: 1 });

    let notice = notice::ActiveModel {
        id: Set(Uuid::new_v4()),
        team_id: Set(1),
        frozen: Set(true),
        ..Default::default()
    };
    notice.insert(&hers).await?;

    assert_eq!(notice::Entity::find().count(&his).await?, 1);
    let deleted = notice::Entity::delete_many().exec(&hers).await?;
    assert_eq!(deleted.rows_affected, 0);

    Ok(())
}
