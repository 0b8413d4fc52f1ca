//! What changed its name is recognised, and is never unprotected meanwhile.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::policy::{Policy, PolicyDraft, setting};
use sea_orm_rls::schema::{Change, PolicyChange, TableChange};
use sea_orm_rls::{RlsError, RlsSchema, registry};

use super::Things;
use crate::fixture::{Fixture, task, user};

fn own(name: &str) -> PolicyDraft {
    Policy::permissive(name).using(Expr::col("owner_id").eq(setting::<i32>("app.account")))
}

#[tokio::test]
async fn renamed_policy_is_renamed() {
    let things = Things::new().await;
    things.sync([own("old")]).await.unwrap();

    let plan = things.sync([own("new")]).await.unwrap();
    assert!(
        matches!(
            plan.changes(),
            [Change::Table(
                _,
                TableChange::Policy(PolicyChange::Rename { .. })
            )]
        ),
        "{plan}"
    );
    assert!(things.plan([own("new")]).await.unwrap().is_empty());

    // One made by hand is not taken for it.
    things
        .owner
        .execute_unprepared(
            "ALTER POLICY new ON thing RENAME TO other; COMMENT ON POLICY other ON thing IS NULL",
        )
        .await
        .unwrap();

    let plan = things.plan([own("new")]).await.unwrap();

    assert!(
        matches!(
            plan.changes(),
            [Change::Table(
                _,
                TableChange::Policy(PolicyChange::Create { .. })
            )]
        ),
        "{plan}"
    );
}

mod renamed_task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "todo")]
    #[user_scoped(user = crate::fixture::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test]
async fn renamed_table_keeps_its_policies_under_new_names() {
    let fixture = Fixture::new(1).await;
    fixture
        .owner
        .execute_unprepared("ALTER TABLE task RENAME TO todo")
        .await
        .unwrap();

    let rls = RlsSchema::new(
        registry![user::Entity, renamed_task::Entity].unwrap(),
        fixture.config.clone(),
    );

    let plan = rls.sync(&fixture.owner).await.unwrap();
    assert!(
        plan.changes().iter().all(|change| matches!(
            change,
            Change::Table(_, TableChange::Policy(PolicyChange::Rename { .. }))
        )),
        "{plan}"
    );
    assert_eq!(plan.changes().len(), 6);
    assert!(rls.plan(&fixture.owner).await.unwrap().is_empty());
}

mod renamed_owner {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(owner = "author_id", user = crate::fixture::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub author_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test]
async fn renamed_owner_column_is_recognised() {
    let fixture = Fixture::new(1).await;
    let rls = RlsSchema::new(
        registry![user::Entity, renamed_owner::Entity].unwrap(),
        fixture.config.clone(),
    );

    let error = rls.sync(&fixture.owner).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::OwnerRenamed { found, .. }) if found == "owner_id"),
        "{error}"
    );

    // The remedy in the error, and all that hangs on the column follows it.
    fixture
        .owner
        .execute_unprepared(r#"ALTER TABLE task RENAME COLUMN "owner_id" TO "author_id""#)
        .await
        .unwrap();
    assert_eq!(rls.sync(&fixture.owner).await.unwrap().to_string(), "");

    // The old entity is not what stands there now.
    let old = RlsSchema::new(
        registry![user::Entity, task::Entity].unwrap(),
        fixture.config.clone(),
    );

    assert!(old.plan(&fixture.owner).await.is_err());
}
