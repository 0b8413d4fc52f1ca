//! A table without row security that users read and administrators write.

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, PaginatorTrait, Set};
use sea_orm_rls::doctor::Doctor;
use sea_orm_rls::{AdminContext, RlsConnection, RlsError, RlsSchema, UserContext, registry};

use crate::fixture::{config, user};
use crate::schema::database;

mod currency {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::Unscoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "currency")]
    #[unscoped(reason = "the same for all", grant(select), admin(select, insert))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn euro() -> currency::ActiveModel {
    currency::ActiveModel {
        code: Set("EUR".to_owned()),
    }
}

/// FAULTS A15, A16.
#[tokio::test]
async fn administrators_write_what_users_read() {
    let (database, owner) = database().await;
    let tables = "CREATE TABLE currency (code text PRIMARY KEY);
                  CREATE TABLE \"user\" (id uuid PRIMARY KEY, email text)";
    owner.execute_unprepared(tables).await.unwrap();

    let entities = || registry![user::Entity, currency::Entity as Unscoped].unwrap();
    let config = config(&database);
    let rls = RlsSchema::new(entities(), config.clone());
    rls.sync(&owner).await.unwrap();
    assert!(rls.plan(&owner).await.unwrap().is_empty());

    let db = RlsConnection::connect_with(database.url(), config.clone(), entities())
        .await
        .unwrap();
    let mine = db.scope(UserContext::new(uuid::Uuid::new_v4()));
    let admin = db.admin(AdminContext::new("carol", "a new currency").unwrap());

    let refused = RlsError::from(euro().insert(&mine).await.unwrap_err());
    assert!(
        matches!(&refused, RlsError::MissingGrant { table, .. } if table.as_deref() == Some("currency")),
        "{refused:?}"
    );
    let said = refused.to_string();
    assert!(
        said.contains("`grant(…)`") && said.contains("`admin(…)`"),
        "{said}"
    );

    euro().insert(&admin).await.unwrap();
    assert_eq!(currency::Entity::find().count(&mine).await.unwrap(), 1);

    let deleted = currency::Entity::delete_by_id("EUR").exec(&admin).await;
    assert!(
        matches!(
            RlsError::from(deleted.unwrap_err()),
            RlsError::MissingGrant { .. }
        ),
        "it is not declared"
    );

    let report = Doctor::new(entities(), config)
        .examine(&owner)
        .await
        .unwrap();
    assert!(
        !report.findings().iter().any(|it| it.rule.id == "RLS107"),
        "{}",
        report.text(false)
    );
}
