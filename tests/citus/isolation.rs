//! Two users, every way to reach a row, on tables that Citus distributes.

use futures_util::TryStreamExt;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, Set, Statement, StreamTrait, TransactionTrait,
};
use sea_orm_rls::{RlsError, UserContext};

use crate::cluster::{Cluster, all_tasks, country, new_task, task};

fn assert_refused(error: &DbErr) {
    let error = RlsError::from(error);
    assert!(matches!(error, RlsError::PolicyRefused { .. }), "{error:?}");
}

/// The administrator sees this many tasks: what a user does not see is there.
async fn assert_stored(cluster: &Cluster, tasks: u64) {
    let stored = task::Entity::find().count(&cluster.admin()).await.unwrap();
    assert_eq!(stored, tasks);
}

#[tokio::test]
async fn users_see_own_rows_only() {
    let cluster = Cluster::new().await;
    let (hers, his) = cluster.tasks().await;
    assert_eq!((hers.owner_id, his.owner_id), (cluster.ann, cluster.bob));

    // One connection goes from user to user to nobody, with plans that are made anew and kept.
    for _ in 0..8 {
        assert_eq!(all_tasks(&cluster.ann()).await, std::slice::from_ref(&hers));
        assert_eq!(all_tasks(&cluster.bob()).await, std::slice::from_ref(&his));
        assert!(all_tasks(&cluster.db.anonymous()).await.is_empty());

        let by_key = task::Entity::find_by_id((his.owner_id, his.id));
        assert_eq!(by_key.clone().one(&cluster.ann()).await.unwrap(), None);
        assert_eq!(
            by_key.one(&cluster.bob()).await.unwrap().as_ref(),
            Some(&his)
        );
    }

    assert_stored(&cluster, 2).await;
    cluster.drop().await;
}

#[tokio::test]
async fn users_write_own_rows_only() {
    let cluster = Cluster::new().await;
    let (hers, his) = cluster.tasks().await;
    let ann = cluster.ann();

    let forged = |id| task::ActiveModel {
        owner_id: Set(cluster.bob),
        id: Set(id),
        ..new_task("forged")
    };
    let over = OnConflict::columns([task::Column::OwnerId, task::Column::Id])
        .update_column(task::Column::Title)
        .to_owned();
    for id in [his.id, uuid::Uuid::new_v4()] {
        assert_refused(&forged(id).insert(&ann).await.unwrap_err());
        let upsert = task::Entity::insert(forged(id)).on_conflict(over.clone());
        assert_refused(&upsert.exec_without_returning(&ann).await.unwrap_err());
    }

    let change = task::ActiveModel {
        title: Set("taken".to_owned()),
        ..his.clone().into_active_model()
    };
    let error = change.update(&ann).await.unwrap_err();
    assert!(matches!(error, DbErr::RecordNotUpdated), "{error:?}");

    let all = task::Entity::update_many().col_expr(task::Column::Rank, 7.into());
    let updated = all.exec_with_returning(&ann).await.unwrap();
    let owners: Vec<_> = updated.iter().map(|task| task.owner_id).collect();
    assert_eq!(owners, [cluster.ann]);

    let key = (his.owner_id, his.id);
    let deleted = task::Entity::delete_by_id(key).exec(&ann).await.unwrap();
    assert_eq!(deleted.rows_affected, 0);
    let deleted = task::Entity::delete_many().exec(&ann).await.unwrap();
    assert_eq!(deleted.rows_affected, 1, "hers");
    assert_eq!(all_tasks(&cluster.bob()).await, [his]);
    assert!(all_tasks(&ann).await.is_empty());
    assert_eq!(hers.rank, 1);
    cluster.drop().await;
}

#[tokio::test]
async fn without_a_user_nothing_is_written() {
    let cluster = Cluster::new().await;
    cluster.tasks().await;
    let nobody = cluster.db.anonymous();
    let named = task::ActiveModel {
        owner_id: Set(cluster.ann),
        ..new_task("x")
    };

    let error = RlsError::from(named.insert(&nobody).await.unwrap_err());
    let of_task = |table: &Option<String>| table.as_deref() == Some("task");
    assert!(
        matches!(&error, RlsError::MissingContext { table, .. } if of_task(table)),
        "{error:?}"
    );
    new_task("y").insert(&nobody).await.unwrap_err();
    let deleted = task::Entity::delete_many().exec(&nobody).await.unwrap();
    assert_eq!(deleted.rows_affected, 0);
    assert_stored(&cluster, 2).await;
    cluster.drop().await;
}

#[tokio::test]
async fn transactions_and_savepoints_keep_the_context() {
    let cluster = Cluster::new().await;
    cluster.tasks().await;

    let outer = cluster.ann().begin().await.unwrap();
    let kept = outer.begin().await.unwrap();
    // The first statement that reaches a worker, within a savepoint.
    new_task("kept").insert(&kept).await.unwrap();
    let undone = kept.begin().await.unwrap();
    assert_eq!(all_tasks(&undone).await.len(), 2);
    new_task("undone").insert(&undone).await.unwrap();
    undone.rollback().await.unwrap();
    kept.commit().await.unwrap();

    let forged = task::ActiveModel {
        owner_id: Set(cluster.bob),
        ..new_task("forged")
    };
    let refused = outer.begin().await.unwrap();
    assert_refused(&forged.insert(&refused).await.unwrap_err());
    drop(refused);

    let seen = all_tasks(&outer).await;
    assert_eq!(seen.len(), 2, "a savepoint undoes the failure");
    assert!(seen.iter().all(|task| task.owner_id == cluster.ann));
    outer.commit().await.unwrap();
    assert_stored(&cluster, 3).await;
    assert_eq!(all_tasks(&cluster.bob()).await.len(), 1);
    cluster.drop().await;
}

#[tokio::test]
async fn raw_sql_and_streams_are_kept_apart() {
    let cluster = Cluster::new().await;
    let (hers, his) = cluster.tasks().await;
    let ann = cluster.ann();

    let rows: Vec<task::Model> = {
        let stream = task::Entity::find().stream(&ann).await.unwrap();
        stream.try_collect().await.unwrap()
    };
    assert_eq!(rows, std::slice::from_ref(&hers));

    let text = r#"UPDATE "task" SET "title" = 'mine'"#;
    ann.execute_unprepared(text).await.unwrap();
    let within = ann.begin().await.unwrap();
    within.execute_unprepared(text).await.unwrap();
    assert_eq!(all_tasks(&within).await.len(), 1);
    within.commit().await.unwrap();
    let mine = task::Entity::find().filter(task::Column::Title.eq("mine"));
    let changed = mine.all(&cluster.admin()).await.unwrap();
    let owners: Vec<_> = changed.iter().map(|task| task.owner_id).collect();
    assert_eq!(owners, [cluster.ann]);

    let delete = Statement::from_string(DbBackend::Postgres, "DELETE FROM task RETURNING id");
    let rows: Vec<_> = {
        let stream = ann.stream_raw(delete).await.unwrap();
        stream.try_collect().await.unwrap()
    };
    assert_eq!(rows.len(), 1);
    assert_eq!(all_tasks(&cluster.admin()).await, [his]);
    cluster.drop().await;
}

/// The record is written on the coordinator, once.
#[tokio::test]
async fn administrators_leave_one_record() {
    let cluster = Cluster::new().await;
    cluster.tasks().await;
    let records = format!("SELECT count(*) FROM {}.rls_audit", cluster.schema);
    let before: i64 = crate::cluster::one(&cluster.owner, &records).await;

    assert_eq!(all_tasks(&cluster.admin()).await.len(), 2);
    let context = sea_orm_rls::AdminContext::new("tester", "reads").unwrap();
    let reads = cluster.db.admin_read_only(context);
    assert_eq!(all_tasks(&reads).await.len(), 2);
    let refused = task::Entity::delete_many().exec(&reads).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::ReadOnly { .. }),
        "{refused:?}"
    );

    let context = sea_orm_rls::AdminContext::new("tester", "for ann").unwrap();
    let as_ann = cluster
        .db
        .admin_as_user(context, UserContext::new(cluster.ann));
    assert_eq!(all_tasks(&as_ann).await.len(), 1);

    let after: i64 = crate::cluster::one(&cluster.owner, &records).await;
    assert_eq!(after - before, 3);
    cluster.drop().await;
}

#[tokio::test]
async fn reference_tables_are_read_by_everyone() {
    let cluster = Cluster::new().await;
    cluster.tasks().await;
    let country = country::ActiveModel {
        code: Set("nl".to_owned()),
    };
    country.clone().insert(&cluster.owner).await.unwrap();

    let seen = country::Entity::find().all(&cluster.ann()).await.unwrap();
    assert_eq!(seen.len(), 1);
    let refused = country.insert(&cluster.ann()).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::MissingGrant { .. }),
        "{refused:?}"
    );
    cluster.drop().await;
}
