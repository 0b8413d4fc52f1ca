//! How many shards a statement goes to.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, QueryTrait, Set, Statement,
    TransactionTrait,
};
use sea_orm_rls::context::OwnRows;

use crate::cluster::{Cluster, all_tasks, new_task, task};

/// How many tasks Citus plans for a statement in Ann's transaction.
async fn planned(cluster: &Cluster, mut statement: Statement) -> usize {
    statement.sql = format!("EXPLAIN {}", statement.sql);
    let transaction = cluster.ann().begin().await.unwrap();
    let lines = transaction.query_all_raw(statement).await.unwrap();
    let lines: Vec<String> = lines
        .iter()
        .map(|line| line.try_get_by_index(0).unwrap())
        .collect();

    let count = lines.iter().find_map(|line| {
        let (_, count) = line.split_once("Task Count: ")?;
        count.parse().ok()
    });
    count.unwrap_or_else(|| panic!("{lines:#?}"))
}

#[tokio::test]
async fn scoped_read_and_write_by_owner_plan_one_task() {
    let cluster = Cluster::new().await;
    cluster.tasks().await;
    let ann = cluster.ann();
    let backend = DbBackend::Postgres;

    let without = task::Entity::find().build(backend);
    assert_eq!(
        planned(&cluster, without).await,
        32,
        "a policy chooses no shard"
    );

    let update = task::Entity::update_many().col_expr(task::Column::Rank, 2.into());
    for statement in [
        task::Entity::find().of_user(&ann).build(backend),
        update.clone().of_user(&ann).build(backend),
        task::Entity::delete_many().of_user(&ann).build(backend),
        task::Entity::find_by_id((cluster.ann, cluster.bob)).build(backend),
    ] {
        let sql = statement.sql.clone();
        assert_eq!(planned(&cluster, statement).await, 1, "{sql}");
    }

    let nobody = cluster.db.anonymous();
    let none = task::Entity::find().of_user(&nobody);
    assert!(none.all(&cluster.ann()).await.unwrap().is_empty());
    cluster.drop().await;
}

/// The condition is the scope's own: with another's scope there is no row, whatever it says.
#[tokio::test]
async fn owners_condition_opens_nothing() {
    let cluster = Cluster::new().await;
    let (hers, _) = cluster.tasks().await;
    let (ann, bob) = (cluster.ann(), cluster.bob());

    let own = task::Entity::find().of_user(&ann);
    assert_eq!(own.clone().all(&ann).await.unwrap(), [hers]);
    assert!(own.all(&bob).await.unwrap().is_empty());

    let within = ann.begin().await.unwrap();
    let update = task::Entity::update_many().col_expr(task::Column::Rank, 9.into());
    let updated = update.of_user(&within).exec(&within).await.unwrap();
    assert_eq!(updated.rows_affected, 1);
    within.commit().await.unwrap();

    let deleted = task::Entity::delete_many().of_user(&bob).exec(&ann).await;
    assert_eq!(deleted.unwrap().rows_affected, 0);
    assert_eq!(all_tasks(&cluster.admin()).await.len(), 2);

    // The default of the owner column is computed on the coordinator, which then finds the shard.
    let own = task::ActiveModel {
        id: Set(uuid::Uuid::new_v4()),
        ..new_task("own")
    };
    assert_eq!(own.insert(&ann).await.unwrap().owner_id, cluster.ann);
    cluster.drop().await;
}
