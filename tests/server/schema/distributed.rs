//! Tables that Citus would distribute, on a server without it: the same policies, and nothing else.

use sea_orm::{ActiveModelTrait, ConnectOptions, DbBackend, EntityTrait, QueryTrait, Schema, Set};
use sea_orm::{ConnectionTrait, Database};
use sea_orm_rls::context::OwnRows;
use sea_orm_rls::{RlsConnection, RlsSchema, UserContext, registry};
use uuid::Uuid;

use crate::fixture::config;

mod draft {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "draft")]
    #[user_scoped(no_foreign_key, distribute)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test]
async fn table_to_distribute_is_kept_apart_without_citus() {
    let database = testbed::server()
        .unwrap()
        .database("distributed")
        .await
        .unwrap();
    let owner = Database::connect(database.url()).await.unwrap();
    let backend = DbBackend::Postgres;
    let create = Schema::new(backend).create_table_from_entity(draft::Entity);
    owner.execute(&create).await.unwrap();

    let config = config(&database);
    let entities = || registry![draft::Entity].unwrap();
    let rls = RlsSchema::new(entities(), config.clone());
    let plan = rls.sync(&owner).await.unwrap();
    let statements: Vec<String> = plan
        .changes()
        .iter()
        .flat_map(sea_orm_rls::schema::Change::sql)
        .collect();
    let of_policies = || statements.iter().filter(|it| it.contains("POLICY"));
    assert!(of_policies().count() > 1, "{statements:#?}");
    assert!(
        of_policies().all(|policy| !policy.contains("SELECT NULLIF")),
        "{statements:#?}"
    );
    assert!(rls.plan(&owner).await.unwrap().is_empty());

    let options = ConnectOptions::new(database.url());
    let db = RlsConnection::connect_with(options, config, entities())
        .await
        .unwrap();
    let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
    for user in [ann, bob] {
        let draft = draft::ActiveModel {
            id: Set(1),
            ..Default::default()
        };
        let mine = db.scope(UserContext::new(user));
        assert_eq!(draft.insert(&mine).await.unwrap().owner_id, user);
    }

    // The condition is that of the scope it names; the policies decide.
    let (hers, his) = (
        db.scope(UserContext::new(ann)),
        db.scope(UserContext::new(bob)),
    );
    let own = draft::Entity::find().of_user(&hers);
    let sql = own.clone().build(backend).to_string();
    let condition = format!(r#"WHERE "draft"."owner_id" = '{ann}'"#);
    assert!(sql.ends_with(&condition), "{sql}");
    assert_eq!(own.clone().all(&hers).await.unwrap().len(), 1);
    assert!(own.all(&his).await.unwrap().is_empty());
    assert_eq!(draft::Entity::find().all(&hers).await.unwrap().len(), 1);

    let nobody = db.anonymous();
    let none = draft::Entity::find().of_user(&nobody);
    assert!(none.all(&hers).await.unwrap().is_empty());
}
