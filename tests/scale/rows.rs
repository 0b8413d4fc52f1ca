//! Rows of two users, read and written in turn; and futures dropped at every await point.

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, EntityTrait, PaginatorTrait, Set, TransactionTrait};
use sea_orm_rls::{RlsConnection, ScopedConnection, UserContext};
use uuid::Uuid;

use crate::drop_after::drop_after;
use crate::fixture::task;

/// More polls than any of the futures below takes to finish.
const ENOUGH: usize = 60;

pub fn new_task(title: &str) -> task::ActiveModel {
    task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set(title.to_owned()),
        rank: Set(1),
        ..Default::default()
    }
}

/// Every user reads and writes their own rows alone, however often the session changes.
pub async fn isolation(db: &RlsConnection, users: &[Uuid]) {
    for user in users {
        new_task("own")
            .insert(&db.scope(UserContext::new(*user)))
            .await
            .unwrap();
    }

    let rounds = users
        .iter()
        .cycle()
        .take(users.len() * 50)
        .map(|user| async {
            let own = db.scope(UserContext::new(*user));
            let rows = task::Entity::find().all(&own).await.unwrap();
            assert!(!rows.is_empty() && rows.iter().all(|row| row.owner_id == *user));
            assert_eq!(
                task::Entity::find().count(&db.anonymous()).await.unwrap(),
                0
            );

            let changed = task::Entity::update_many()
                .col_expr(task::Column::Rank, Expr::value(2))
                .exec(&own)
                .await
                .unwrap();
            assert_eq!(changed.rows_affected, rows.len() as u64);

            let mut forged = new_task("forged");
            forged.owner_id = Set(Uuid::new_v4());
            assert!(forged.insert(&own).await.is_err());

            let transaction = own.begin().await.unwrap();
            let within = task::Entity::find().all(&transaction).await.unwrap();
            assert!(within.len() == rows.len() && within.iter().all(|row| row.owner_id == *user));
            transaction.commit().await.unwrap();
        });
    join_all(rounds).await;
}

/// A future that is dropped at any await point leaves the next user nothing.
pub async fn cancellation(db: &RlsConnection, users: &[Uuid]) {
    let [ann, bob, ..] = users else {
        unreachable!("there are two users")
    };
    let (ann, bob) = (db.scope(UserContext::new(*ann)), (db, *bob));

    for polls in 0..ENOUGH {
        let read = drop_after(polls, task::Entity::find().all(&ann)).await;
        clean(bob).await;
        let begin = drop_after(polls, ann.begin()).await.is_some();
        clean(bob).await;
        let insert = drop_after(polls, new_task("alone").insert(&ann)).await;
        clean(bob).await;
        let transaction = drop_after(polls, whole(&ann)).await;
        clean(bob).await;

        if read.is_some() && begin && insert.is_some() && transaction.is_some() {
            assert!(polls > 1, "nothing was dropped");
            return;
        }
    }

    panic!("something takes more than {ENOUGH} polls");
}

/// A transaction with a stream that is not read to its end.
async fn whole(ann: &ScopedConnection) {
    let transaction = ann.begin().await.unwrap();
    new_task("within").insert(&transaction).await.unwrap();
    let mut rows = task::Entity::find().stream(&transaction).await.unwrap();
    assert!(rows.next().await.is_some());
    drop(rows);
    transaction.commit().await.unwrap();
}

/// Bob and nobody find nothing of Ann's.
async fn clean((db, bob): (&RlsConnection, Uuid)) {
    let rows = task::Entity::find()
        .all(&db.scope(UserContext::new(bob)))
        .await
        .unwrap();
    assert!(rows.iter().all(|row| row.owner_id == bob));
    assert_eq!(
        task::Entity::find().count(&db.anonymous()).await.unwrap(),
        0
    );
}
