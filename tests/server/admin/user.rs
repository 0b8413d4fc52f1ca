//! Maintenance for one user: that user's rows alone, recorded under the administrator's name.

use futures_util::TryStreamExt;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, PaginatorTrait, Set, TransactionTrait,
};
use sea_orm_rls::{RlsError, ScopedConnection, UserContext};

use super::{because, recorded};
use crate::fixture::{Fixture, task};
use crate::lane::new_task;
use crate::schema::text;

fn as_ann(fixture: &Fixture) -> ScopedConnection {
    fixture
        .db
        .admin_as_user(because("ticket 7"), fixture.ann_context())
}

#[tokio::test]
async fn only_that_users_rows_are_reached() {
    let fixture = Fixture::new(2).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();

    let his = new_task("bob's").insert(&fixture.bob()).await.unwrap();
    let ann = as_ann(&fixture);
    let seen = task::Entity::find().all(&ann).await.unwrap();

    assert_eq!(
        seen.iter().map(|task| task.owner_id).collect::<Vec<_>>(),
        [fixture.ann]
    );
    assert_eq!(
        new_task("for her").insert(&ann).await.unwrap().owner_id,
        fixture.ann,
        "writes are hers"
    );

    let forged = task::ActiveModel {
        owner_id: Set(fixture.bob),
        ..new_task("forged")
    };

    let error = RlsError::from(forged.insert(&ann).await.unwrap_err());
    assert!(matches!(error, RlsError::PolicyRefused { .. }), "{error:?}");
    task::Entity::delete_many().exec(&ann).await.unwrap();
    assert_eq!(
        task::Entity::find().all(&fixture.admin()).await.unwrap(),
        [his]
    );

    assert_eq!(
        text(&ann, "SELECT session_user::text").await,
        fixture.config.app_role().as_str()
    );
}

#[tokio::test]
async fn each_transaction_is_recorded_with_who_why_and_for_whom() {
    let fixture = Fixture::new(1).await;
    let ann = as_ann(&fixture);
    task::Entity::find().all(&ann).await.unwrap();

    let transaction = ann.begin().await.unwrap();
    new_task("a").insert(&transaction).await.unwrap();
    assert_eq!(
        recorded(&fixture).await.len(),
        2,
        "it is committed before the transaction begins"
    );
    transaction.rollback().await.unwrap();
    task::Entity::find()
        .stream(&ann)
        .await
        .unwrap()
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    ann.execute_unprepared("DELETE FROM task").await.unwrap();

    let rows = recorded(&fixture).await;
    assert_eq!(
        rows.len(),
        4,
        "a read, a transaction, a stream, unprepared text: {rows:?}"
    );

    let whom = format!(r#"{{"app.user_id": "{}"}}"#, fixture.ann);
    for row in &rows {
        assert_eq!(
            (row.actor.as_str(), row.reason.as_str()),
            ("carol", "ticket 7")
        );
        assert_eq!(row.on_behalf_of.as_deref(), Some(whom.as_str()));
        assert_eq!(row.login, fixture.config.admin_role().as_str());
    }

    task::Entity::find()
        .all(&fixture.db.admin(because("all")))
        .await
        .unwrap();

    let last = recorded(&fixture).await.pop().unwrap();
    assert_eq!(
        last.on_behalf_of, None,
        "the next on that connection acts for nobody"
    );
    task::Entity::find().all(&fixture.ann()).await.unwrap();

    assert_eq!(
        recorded(&fixture).await.len(),
        5,
        "what she does herself is not recorded"
    );
}

#[tokio::test]
async fn nothing_runs_unrecorded() {
    let fixture = Fixture::new(1).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();

    let odd = fixture
        .db
        .admin_as_user(because("x"), UserContext::new("a\0b"));
    assert!(matches!(
        RlsError::from(task::Entity::find().all(&odd).await.unwrap_err()),
        RlsError::Context(_)
    ));
    assert!(recorded(&fixture).await.is_empty());
    fixture
        .owner
        .execute_unprepared("DROP TABLE rls_audit")
        .await
        .unwrap();

    let ann = as_ann(&fixture);
    let error = RlsError::from(task::Entity::delete_many().exec(&ann).await.unwrap_err());
    assert!(matches!(error, RlsError::AuditFailed { .. }), "{error:?}");

    let error = RlsError::from(ann.begin().await.unwrap_err());
    assert!(matches!(error, RlsError::AuditFailed { .. }), "{error:?}");
    assert_eq!(task::Entity::find().count(&fixture.ann()).await.unwrap(), 1);
}
