//! What people do with SeaORM works unchanged on a scoped connection, and on a transaction of it.

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, LoaderTrait,
    ModelTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set, TransactionTrait,
};
use uuid::Uuid;

use crate::fixture::{Fixture, note, task, user};

fn new_task(rank: i32) -> task::ActiveModel {
    task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set(format!("t{rank}")),
        rank: Set(rank),
        ..Default::default()
    }
}

/// Three tasks with a note each for Ann, two tasks for Bob.
async fn filled() -> Fixture {
    let fixture = Fixture::new(2).await;
    for rank in 1..=3 {
        let task = new_task(rank).insert(&fixture.ann()).await.unwrap();
        note::ActiveModel {
            task_id: Set(task.id),
            body: Set(format!("n{rank}")),
            ..Default::default()
        }
        .insert(&fixture.ann())
        .await
        .unwrap();
    }

    let his = [new_task(1), new_task(2)];
    task::Entity::insert_many(his)
        .exec(&fixture.bob())
        .await
        .unwrap();

    fixture
}

/// Runs a body with a connection of Ann's and again with a transaction of hers.
macro_rules! as_ann {
    ($(async fn $name:ident($db:ident) $body:block)*) => {$(
        #[tokio::test]
        async fn $name() {
            let fixture = filled().await;
            {
                let $db = &fixture.ann();
                $body
            }
            let fixture = filled().await;
            let transaction = fixture.ann().begin().await.unwrap();
            {
                let $db = &transaction;
                $body
            }
            transaction.commit().await.unwrap();
            assert_eq!(task::Entity::find().count(&fixture.bob()).await.unwrap(), 2);
        }
    )*};
}

as_ann! {
    async fn find_filters_orders_and_selects(db) {
        let found = task::Entity::find()
            .filter(task::Column::Rank.gt(1))
            .order_by_desc(task::Column::Rank)
            .limit(5)
            .all(db)
            .await
            .unwrap();
        assert_eq!(found.iter().map(|task| task.rank).collect::<Vec<_>>(), [3, 2]);
        let ranks: Vec<i32> = task::Entity::find()
            .select_only()
            .column(task::Column::Rank)
            .order_by_asc(task::Column::Rank)
            .into_tuple()
            .all(db)
            .await
            .unwrap();
        assert_eq!(ranks, [1, 2, 3]);
        let total: Option<i64> =
            task::Entity::find().select_only().column_as(task::Column::Rank.sum(), "sum").into_tuple().one(db).await.unwrap();
        assert_eq!(total, Some(6));
        let json = task::Entity::find().order_by_asc(task::Column::Rank).into_json().all(db).await.unwrap();
        assert_eq!((json.len(), json[0]["title"].as_str()), (3, Some("t1")));
    }

    async fn relations_and_loaders_stay_inside(db) {
        let users = user::Entity::find().find_with_related(task::Entity).all(db).await.unwrap();
        assert_eq!((users.len(), users[0].1.len()), (1, 3));
        let tasks = task::Entity::find().order_by_asc(task::Column::Rank).all(db).await.unwrap();
        let notes = tasks.load_many(note::Entity, db).await.unwrap();
        assert_eq!(notes.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
        let owners = tasks.load_one(user::Entity, db).await.unwrap();
        assert!(owners.iter().all(|owner| owner.as_ref().unwrap().email == "ann@example.org"));
        assert_eq!(tasks[0].find_related(note::Entity).all(db).await.unwrap().len(), 1);
        let with = task::Entity::load().with(user::Entity).with(note::Entity).all(db).await.unwrap();
        assert_eq!(with.len(), 3);
        assert!(with.iter().all(|task| task.notes.len() == 1 && task.owner.is_loaded()));
    }

    async fn pages_and_cursors_count_own_rows(db) {
        let pages = task::Entity::find().order_by_asc(task::Column::Rank).paginate(db, 2);
        let counted = pages.num_items_and_pages().await.unwrap();
        assert_eq!((counted.number_of_items, counted.number_of_pages), (3, 2));
        assert_eq!(pages.fetch_page(1).await.unwrap().len(), 1);
        let mut cursor = task::Entity::find().cursor_by(task::Column::Rank);
        let after = cursor.after(1).first(5).all(db).await.unwrap();
        assert_eq!(after.iter().map(|task| task.rank).collect::<Vec<_>>(), [2, 3]);
    }

    async fn writes_in_bulk_and_upserts(db) {
        let many = task::Entity::insert_many([new_task(7), new_task(8)]).exec_with_returning(db).await.unwrap();
        assert_eq!(many.len(), 2);
        let changed = task::ActiveModel { title: Set("upserted".to_owned()), ..many[0].clone().into_active_model().reset_all() };
        let upserted = task::Entity::insert(changed)
            .on_conflict(OnConflict::column(task::Column::Id).update_column(task::Column::Title).to_owned())
            .exec_with_returning(db)
            .await
            .unwrap();
        assert_eq!(upserted.title, "upserted");
        let ignored = task::Entity::insert(many[1].clone().into_active_model().reset_all())
            .on_conflict(OnConflict::column(task::Column::Id).do_nothing().to_owned())
            .exec_without_returning(db)
            .await
            .unwrap();
        assert_eq!(ignored, 0);
        let deleted = task::Entity::delete_many().filter(task::Column::Rank.gte(7)).exec(db).await.unwrap();
        assert_eq!(deleted.rows_affected, 2);
    }

    async fn active_models_save_update_and_delete(db) {
        let saved = new_task(9).insert(db).await.unwrap();
        let mut model = saved.into_active_model();
        model.title = Set("renamed".to_owned());
        let updated = model.update(db).await.unwrap();
        assert_eq!(updated.title, "renamed");
        assert_eq!(updated.delete(db).await.unwrap().rows_affected, 1);
    }

    async fn nested_active_models_save_in_one_call(db) {
        let saved = task::ActiveModel::builder()
            .set_id(Uuid::new_v4())
            .set_title("with notes")
            .set_rank(10)
            .add_note(note::ActiveModel::builder().set_body("first"))
            .add_note(note::ActiveModel::builder().set_body("second"))
            .insert(db)
            .await
            .unwrap();
        let id = saved.id;
        assert_eq!(note::Entity::find().filter(note::Column::TaskId.eq(id)).count(db).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn other_users_key_in_an_upsert_is_refused_and_changes_nothing() {
    let fixture = filled().await;
    let his = task::Entity::find()
        .one(&fixture.bob())
        .await
        .unwrap()
        .unwrap();

    let forged = task::ActiveModel {
        id: Set(his.id),
        ..new_task(1)
    };

    let upsert = task::Entity::insert(forged)
        .on_conflict(
            OnConflict::column(task::Column::Id)
                .update_column(task::Column::Title)
                .to_owned(),
        )
        .exec(&fixture.ann())
        .await;

    assert!(upsert.is_err());

    assert_eq!(
        task::Entity::find_by_id(his.id)
            .one(&fixture.bob())
            .await
            .unwrap(),
        Some(his)
    );
}

#[tokio::test]
async fn deleting_a_user_deletes_theirs() {
    let fixture = filled().await;
    let ann = user::Entity::find()
        .one(&fixture.ann())
        .await
        .unwrap()
        .unwrap();

    ann.delete(&fixture.ann()).await.unwrap();

    assert_eq!(
        task::Entity::find().count(&fixture.admin()).await.unwrap(),
        2
    );
}

#[tokio::test]
async fn scoped_connection_moves_into_spawned_tasks() {
    let fixture = filled().await;
    let ann = fixture.ann();
    let job = tokio::spawn(async move { task::Entity::find().count(&ann).await });

    assert_eq!(job.await.unwrap().unwrap(), 3);
    assert!(fixture.ann().support_returning());
}
