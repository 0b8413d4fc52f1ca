//! SeaORM's feature `with-arrow`: rows of a scope as a record batch, and a record batch as rows of it.

use std::sync::Arc;

use sea_orm::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use sea_orm::{
    ActiveModelTrait, ArrowSchema, EntityTrait, IntoActiveModel, PaginatorTrait, QueryOrder,
};
use sea_orm_rls::RlsError;

use super::{World, task};

#[tokio::test]
async fn record_batch_has_the_rows_of_the_scope() {
    let world = World::new().await;
    for (user, expected) in [(1, vec!["a1", "a2"]), (2, vec!["b1"])] {
        let found = task::Entity::find().order_by_asc(task::Column::Title);
        let rows = found.all(&world.scope(user)).await.unwrap();
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| row.into_active_model())
            .collect();
        let batch = task::ActiveModel::to_arrow(&rows, &task::Entity::arrow_schema()).unwrap();

        let titles = batch.column_by_name("title").unwrap();
        let titles = titles.as_any().downcast_ref::<StringArray>().unwrap();
        let titles: Vec<&str> = titles.iter().flatten().collect();
        assert_eq!(titles, expected);
        let owners = batch.column_by_name("owner_id").unwrap();
        let owners = owners.as_any().downcast_ref::<Int64Array>().unwrap();
        assert!(owners.iter().all(|owner| owner == Some(user)));
    }
}

/// Without the owner's column the database fills it; with another owner the policy refuses all rows.
#[tokio::test]
async fn rows_of_a_record_batch_are_written_in_the_scope() {
    let world = World::new().await;
    let titles = || Arc::new(StringArray::from(vec!["c1", "c2"])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("title", titles())]).unwrap();
    let rows = task::ActiveModel::from_arrow(&batch).unwrap();
    let ann = world.scope(1);
    task::Entity::insert_many(rows).exec(&ann).await.unwrap();
    assert_eq!(task::Entity::find().count(&ann).await.unwrap(), 4);

    let owners = Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("title", titles()), ("owner_id", owners)]).unwrap();
    let rows = task::ActiveModel::from_arrow(&batch).unwrap();
    let error = task::Entity::insert_many(rows)
        .exec(&ann)
        .await
        .unwrap_err();
    assert!(
        matches!(RlsError::from(&error), RlsError::PolicyRefused { .. }),
        "{error}"
    );
    assert_eq!(task::Entity::find().count(&ann).await.unwrap(), 4);
    assert_eq!(
        task::Entity::find().count(&world.scope(2)).await.unwrap(),
        1
    );
}
