//! Testing that it holds.
//!
//! What the usual recipe gets wrong: a transaction-local setting that is made outside a transaction
//! does nothing.

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sea_orm_rls::{RlsContext, RlsError, ScopedConnection, registry};
use uuid::Uuid;

use super::Scenario;

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::TenantScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "users")]
    #[tenant_scoped(setting = "app.current_tenant_id", no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub tenant_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod order {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::TenantScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "orders")]
    #[tenant_scoped(setting = "app.current_tenant_id", no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub tenant_id: Uuid,
        pub user_id: i32,
        pub status: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Clone, Copy, RlsContext)]
struct Tenant {
    #[setting("app.current_tenant_id")]
    id: Uuid,
}

struct Orders {
    scenario: Scenario,
    a: Tenant,
    b: Tenant,
}

/// Ten orders of tenant A and twenty of tenant B, of users 1 to 5, every second one completed.
async fn orders() -> Orders {
    let registry = registry![user::Entity as TenantScoped, order::Entity as TenantScoped].unwrap();
    let scenario = Scenario::new(registry, 2, |schema| {
        schema.register(user::Entity).register(order::Entity)
    })
    .await;

    let (a, b) = (Tenant { id: Uuid::new_v4() }, Tenant { id: Uuid::new_v4() });
    for (tenant, count) in [(a, 10), (b, 20)] {
        scenario
            .fill(&format!(
                "INSERT INTO orders (tenant_id, user_id, status)
                 SELECT '{}', 1 + i % 5, CASE WHEN i % 2 = 0 THEN 'completed' ELSE 'open' END
                 FROM generate_series(1, {count}) i",
                tenant.id
            ))
            .await;
    }

    Orders { scenario, a, b }
}

async fn count(db: &ScopedConnection) -> u64 {
    order::Entity::find().count(db).await.unwrap()
}

#[tokio::test]
async fn each_tenant_sees_its_own_and_nobody_none() {
    let Orders { scenario, a, b } = orders().await;
    assert_eq!(count(&scenario.db.anonymous()).await, 0);
    assert_eq!(count(&scenario.db.scope(a)).await, 10);
    assert_eq!(count(&scenario.db.scope(b)).await, 20);

    assert_eq!(
        order::Entity::find()
            .count(&scenario.admin())
            .await
            .unwrap(),
        30
    );
}

#[tokio::test]
async fn filters_stay_inside_the_tenant() {
    let Orders { scenario, a, .. } = orders().await;
    let db = scenario.db.scope(a);
    let of_user = order::Entity::find()
        .filter(order::Column::UserId.eq(1))
        .all(&db)
        .await
        .unwrap();

    let completed = order::Entity::find()
        .filter(order::Column::Status.eq("completed"))
        .all(&db)
        .await
        .unwrap();

    assert_eq!((of_user.len(), completed.len()), (2, 5));
    assert!(
        of_user
            .iter()
            .chain(&completed)
            .all(|order| order.tenant_id == a.id)
    );

    let all = order::Entity::find()
        .filter(order::Column::UserId.eq(1))
        .count(&scenario.admin())
        .await
        .unwrap();

    assert_eq!(all, 6, "there are others that the filter alone would find");
}

#[tokio::test]
async fn insert_fills_the_tenant_and_update_cannot_move_it() {
    let Orders { scenario, a, b } = orders().await;
    let db = scenario.db.scope(a);
    let new = order::ActiveModel {
        user_id: Set(9),
        status: Set("open".into()),
        ..Default::default()
    };

    let saved = new.clone().insert(&db).await.unwrap();
    assert_eq!(saved.tenant_id, a.id);

    let mut moved: order::ActiveModel = saved.clone().into();
    moved.tenant_id = Set(b.id);

    let refused = moved.update(&db).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::PolicyRefused { .. }),
        "{refused}"
    );

    let refused = order::ActiveModel {
        tenant_id: Set(b.id),
        ..new
    }
    .insert(&db)
    .await
    .unwrap_err();

    assert!(
        matches!(RlsError::from(&refused), RlsError::PolicyRefused { .. }),
        "{refused}"
    );

    assert_eq!(
        (count(&db).await, count(&scenario.db.scope(b)).await),
        (11, 20)
    );
}

#[tokio::test]
async fn two_hundred_queries_without_a_filter_on_tenants() {
    let Orders { scenario, a, b } = orders().await;
    let mut tasks = Vec::new();

    for at in 0..200 {
        let (tenant, orders) = if at % 2 == 0 { (a, 10) } else { (b, 20) };
        let db = scenario.db.scope(tenant);
        tasks.push(tokio::spawn(async move {
            let found = order::Entity::find().all(&db).await.unwrap();
            found.len() == orders && found.iter().all(|order| order.tenant_id == tenant.id)
        }));
    }

    for task in tasks {
        assert!(task.await.unwrap());
    }
}

#[tokio::test]
async fn every_command_is_proved_to_keep_them_apart() {
    orders().await.scenario.assert_isolated().await;
}
