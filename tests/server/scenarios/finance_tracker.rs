//! One table, integer users.
//!
//! What the usual recipe gets wrong: the user is set for the session, and interpolated, so a pooled
//! connection keeps the last user; and the owner must remember to force the policy upon itself.

use sea_orm::{ActiveModelTrait, EntityTrait, PaginatorTrait, QueryOrder, QuerySelect, Set};
use sea_orm_rls::{RlsError, ScopedConnection, UserContext, registry};

use super::Scenario;
use crate::schema::text;

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "users")]
    #[user_scoped(identity, setting = "app.current_user_id")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod transaction {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "transactions")]
    #[user_scoped(
        owner = "user_id",
        user = super::user::Entity,
        setting = "app.current_user_id",
        index(created_at)
    )]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub user_id: i32,
        pub amount: i64,
        pub description: String,
        #[sea_orm(default_expr = "Expr::current_timestamp()")]
        pub created_at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn tracker() -> Scenario {
    let registry = registry![user::Entity, transaction::Entity].unwrap();
    let scenario = Scenario::new(registry, 1, |schema| {
        schema.register(user::Entity).register(transaction::Entity)
    })
    .await;

    scenario
        .fill(
            "INSERT INTO users (id, name) VALUES (1, 'one'), (2, 'two');
             INSERT INTO transactions (user_id, amount, description, created_at)
             SELECT 1 + i % 2, i, 'number ' || i, now() - i * interval '1 hour' FROM \
             generate_series(1, 60) i",
        )
        .await;
    scenario
}

fn user(scenario: &Scenario, id: i32) -> ScopedConnection {
    scenario
        .db
        .scope(UserContext::new(id).setting("app.current_user_id"))
}

/// The newest ten, with no `WHERE` anywhere.
async fn newest(db: &ScopedConnection) -> Vec<transaction::Model> {
    transaction::Entity::find()
        .order_by_desc(transaction::Column::CreatedAt)
        .limit(10)
        .all(db)
        .await
        .unwrap()
}

#[tokio::test]
async fn each_user_sees_the_newest_ten_of_their_own() {
    let scenario = tracker().await;
    for (id, first) in [(1, 2), (2, 1)] {
        let found = newest(&user(&scenario, id)).await;
        assert_eq!(found.len(), 10);
        assert!(found.iter().all(|transaction| transaction.user_id == id));
        assert_eq!(found[0].amount, first, "the newest");
    }

    assert_eq!(
        transaction::Entity::find()
            .count(&scenario.admin())
            .await
            .unwrap(),
        60,
        "the others' rows are there"
    );
}

#[tokio::test]
async fn one_pooled_connection_serves_one_two_and_nobody() {
    let scenario = tracker().await;
    assert_eq!(newest(&user(&scenario, 1)).await[0].user_id, 1);
    assert_eq!(newest(&user(&scenario, 2)).await[0].user_id, 2);
    assert!(newest(&scenario.db.anonymous()).await.is_empty());

    let left = text(
        &scenario.db.anonymous(),
        "SELECT coalesce(current_setting('app.current_user_id', true), '')",
    )
    .await;

    assert_eq!(left, "", "nothing of a user stays on the connection");
}

#[tokio::test]
async fn a_transaction_is_written_in_ones_own_name_alone() {
    let scenario = tracker().await;
    let one = user(&scenario, 1);
    let new = transaction::ActiveModel {
        amount: Set(5),
        description: Set("'); DROP TABLE users; --".into()),
        ..Default::default()
    };

    let saved = new.clone().insert(&one).await.unwrap();
    assert_eq!(saved.user_id, 1, "the owner is filled");

    let forged = transaction::ActiveModel {
        user_id: Set(2),
        ..new.clone()
    }
    .insert(&one)
    .await
    .unwrap_err();

    assert!(
        matches!(RlsError::from(&forged), RlsError::PolicyRefused { .. }),
        "{forged}"
    );

    let nobody = new.insert(&scenario.db.anonymous()).await.unwrap_err();

    assert!(
        matches!(RlsError::from(&nobody), RlsError::MissingContext { .. }),
        "{nobody}"
    );
}

#[tokio::test]
async fn the_tables_owner_is_bound_too() {
    let scenario = tracker().await;
    let forced = text(
        &scenario.owner,
        "SELECT bool_and(relforcerowsecurity)::text FROM pg_class WHERE relname IN ('users', \
         'transactions')",
    )
    .await;

    assert_eq!(forced, "true");

    let plain_owner = scenario.database.role("plain_owner");
    scenario
        .fill(&format!(
            "CREATE ROLE \"{plain_owner}\" LOGIN PASSWORD 'owner'; ALTER TABLE transactions OWNER \
             TO \"{plain_owner}\""
        ))
        .await;

    let owner = sea_orm::Database::connect(scenario.database.url_as(&plain_owner, "owner"))
        .await
        .unwrap();

    assert_eq!(
        text(&owner, "SELECT count(*)::text FROM transactions").await,
        "0"
    );
}

#[tokio::test]
async fn every_command_is_proved_to_keep_them_apart() {
    tracker().await.assert_isolated().await;
}
