//! What SeaORM's calls answer about a row that the policies hide, or that is under the same unique
//! key as one that they hide. FAULTS B; each is a line of the table in `limits.md`.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, InsertResult, IntoActiveModel, QueryFilter,
    Set, TryInsertResult, Unchanged,
};
use sea_orm_rls::RlsError;

use super::new_task;
use crate::fixture::{Fixture, task};

/// Bob's task, and one of Ann's with the same key.
async fn with_bobs() -> (Fixture, task::Model, task::ActiveModel) {
    let fixture = Fixture::new(1).await;
    let bobs = new_task("bob's").insert(&fixture.bob()).await.unwrap();
    let same_key = task::ActiveModel {
        id: Set(bobs.id),
        ..new_task("ann's")
    };
    (fixture, bobs, same_key)
}

async fn assert_untouched(fixture: &Fixture, bobs: &task::Model) {
    let now = task::Entity::find().all(&fixture.admin()).await.unwrap();
    assert_eq!(now, std::slice::from_ref(bobs));
}

fn do_nothing() -> OnConflict {
    OnConflict::column(task::Column::Id).do_nothing().to_owned()
}

fn set_title() -> OnConflict {
    OnConflict::column(task::Column::Id)
        .update_column(task::Column::Title)
        .to_owned()
}

fn is_refused(error: &DbErr) -> bool {
    matches!(RlsError::from(error), RlsError::PolicyRefused { .. })
}

/// limits.md: "the existence of a row".
#[tokio::test]
async fn insert_meets_the_unique_key() {
    let (fixture, bobs, same_key) = with_bobs().await;
    let error = RlsError::from(same_key.insert(&fixture.ann()).await.unwrap_err());
    assert_eq!(error.sqlstate().as_deref(), Some("23505"), "{error}");
    assert_untouched(&fixture, &bobs).await;
}

#[tokio::test]
async fn do_nothing_over_a_hidden_row_inserts_nothing() {
    let (fixture, bobs, same_key) = with_bobs().await;
    let ann = fixture.ann();
    let insert = || task::Entity::insert(same_key.clone()).on_conflict(do_nothing());

    assert_eq!(
        insert().exec(&ann).await.unwrap_err(),
        DbErr::RecordNotInserted
    );
    assert_eq!(insert().exec_without_returning(&ann).await.unwrap(), 0);
    let found = insert().exec_with_returning(&ann).await.unwrap_err();
    assert!(matches!(found, DbErr::RecordNotFound(_)), "{found:?}");

    let tried = || insert().try_insert();
    let conflicted = tried().exec(&ann).await.unwrap();
    assert!(
        matches!(conflicted, TryInsertResult::Conflicted),
        "{conflicted:?}"
    );
    let counted = tried().exec_without_returning(&ann).await.unwrap();
    assert!(
        matches!(counted, TryInsertResult::Inserted(0)),
        "{counted:?}"
    );
    assert_untouched(&fixture, &bobs).await;
}

#[tokio::test]
async fn upsert_over_a_hidden_row_is_refused() {
    let (fixture, bobs, same_key) = with_bobs().await;
    let ann = fixture.ann();
    let insert = || task::Entity::insert(same_key.clone()).on_conflict(set_title());

    for error in [
        insert()
            .exec(&ann)
            .await
            .map(|_: InsertResult<_>| ())
            .unwrap_err(),
        insert().exec_without_returning(&ann).await.unwrap_err(),
        insert().exec_with_returning(&ann).await.unwrap_err(),
    ] {
        assert!(is_refused(&error), "{error:?}");
    }
    assert_untouched(&fixture, &bobs).await;
}

/// Servers before the minor releases of November 2026 evaluate the condition on the hidden row, and
/// ask the policy only if it holds; the later ones ask the policy first, and tell nothing.
#[tokio::test]
async fn upsert_with_a_condition_reaches_no_hidden_row() {
    let (fixture, bobs, same_key) = with_bobs().await;
    let ann = fixture.ann();
    let insert = |title: &str| {
        let of_title = task::Column::Title.eq(title);
        let only = set_title().action_and_where(of_title).to_owned();
        task::Entity::insert(same_key.clone()).on_conflict(only)
    };

    let holds = insert("bob's").exec_without_returning(&ann).await;
    assert!(is_refused(&holds.unwrap_err()));
    let other = insert("another").exec_without_returning(&ann).await;
    let returned = insert("another").exec(&ann).await.unwrap_err();
    if other == Ok(0) {
        assert_eq!(returned, DbErr::RecordNotInserted);
    } else {
        assert!(is_refused(&other.unwrap_err()) && is_refused(&returned));
    }
    assert_untouched(&fixture, &bobs).await;
}

#[tokio::test]
async fn update_and_delete_do_not_find_it() {
    let (fixture, bobs, _) = with_bobs().await;
    let ann = fixture.ann();

    let mut changed = bobs.clone().into_active_model();
    changed.title = Set("taken".to_owned());
    let error = changed.clone().update(&ann).await.unwrap_err();
    assert_eq!(error, DbErr::RecordNotUpdated);
    let error = changed.save(&ann).await.unwrap_err();
    assert_eq!(error, DbErr::RecordNotUpdated);

    let of_id = task::Column::Id.eq(bobs.id);
    let updated = task::Entity::update_many()
        .col_expr(task::Column::Title, Expr::value("taken"))
        .filter(of_id.clone())
        .exec(&ann)
        .await
        .unwrap();
    let deleted = task::Entity::delete_by_id(bobs.id)
        .exec(&ann)
        .await
        .unwrap();
    assert_eq!((updated.rows_affected, deleted.rows_affected), (0, 0));
    assert_eq!(task::Entity::find_by_id(bobs.id).one(&ann).await, Ok(None));
    assert_untouched(&fixture, &bobs).await;
}

/// SeaORM then only reads the row.
#[tokio::test]
async fn update_without_a_change_does_not_find_it_either() {
    let (fixture, bobs, _) = with_bobs().await;
    let unchanged = task::ActiveModel {
        id: Unchanged(bobs.id),
        ..Default::default()
    };

    let error = unchanged.update(&fixture.ann()).await.unwrap_err();
    assert!(matches!(error, DbErr::RecordNotFound(_)), "{error:?}");
    assert_untouched(&fixture, &bobs).await;
}
