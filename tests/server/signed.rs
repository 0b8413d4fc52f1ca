//! Signed contexts: what injected SQL cannot change.

mod attacks;
mod counters;
mod first;
mod keys;
mod level;
mod outputs;
mod record;
mod suite;
mod token;
mod written;

use sea_orm::{ActiveModelTrait, EntityTrait, Set, TransactionTrait};
use sea_orm_rls::RlsSchema;
use uuid::Uuid;

use crate::fixture::{Fixture, entities, task};

fn new_task(title: &str) -> task::ActiveModel {
    task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set(title.to_owned()),
        rank: Set(1),
        ..Default::default()
    }
}

#[tokio::test]
async fn each_user_reaches_own_rows() {
    let fixture = Fixture::signed(1).await;
    let (ann, bob) = (fixture.ann(), fixture.bob());
    let hers = new_task("ann's").insert(&ann).await.unwrap();
    let his = new_task("bob's").insert(&bob).await.unwrap();

    assert_eq!((hers.owner_id, his.owner_id), (fixture.ann, fixture.bob));
    assert_eq!(
        task::Entity::find().all(&ann).await.unwrap(),
        std::slice::from_ref(&hers)
    );
    assert_eq!(task::Entity::find().all(&bob).await.unwrap(), [his]);
    let nobody = fixture.db.anonymous();
    assert!(task::Entity::find().all(&nobody).await.unwrap().is_empty());

    let transaction = ann.begin().await.unwrap();
    assert_eq!(
        task::Entity::find().all(&transaction).await.unwrap(),
        [hers]
    );
    transaction.commit().await.unwrap();

    let schema = RlsSchema::new(entities(), fixture.config.clone());
    let plan = schema.plan(&fixture.owner).await.unwrap();
    assert!(plan.is_empty(), "{}", plan.text(false));
    fixture.db.check_gate().await.unwrap();
}
