//! Ways round the coordinator: workers, shards, and what a session leaves on them.

use futures_util::TryStreamExt;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use sea_orm::{DbBackend, EntityTrait, TransactionTrait};
use sea_orm_rls::RlsError;

use crate::cluster::{Cluster, all_tasks, one, role, task, url};

/// The application's login on the worker at this port.
async fn on_worker(cluster: &Cluster, host: &str, port: i32) -> DatabaseConnection {
    let (credentials, rest) = (role(&cluster.schema, "app"), url());
    let database = rest
        .rsplit('/')
        .next()
        .and_then(|rest| rest.split('?').next());
    let url = format!(
        "postgres://{credentials}:app%20password@{host}:{port}/{}",
        database.unwrap_or_default()
    );
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .set_schema_search_path(&cluster.schema);
    Database::connect(options).await.unwrap()
}

/// The workers' addresses.
async fn workers(cluster: &Cluster) -> Vec<(String, i32)> {
    let sql = "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0 ORDER BY nodeport";
    let rows = cluster
        .owner
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap();
    rows.iter()
        .map(|row| {
            (
                row.try_get_by_index(0).unwrap(),
                row.try_get_by_index(1).unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn workers_and_shards_show_nothing_without_a_context() {
    let cluster = Cluster::new().await;
    cluster.tasks().await;
    let workers = workers(&cluster).await;
    assert!(!workers.is_empty(), "no workers, so nothing is tried");

    let mut shards = 0;
    for (host, port) in &workers {
        let worker = on_worker(&cluster, host, *port).await;
        assert!(all_tasks(&worker).await.is_empty());

        // Shards are ordinary tables of the worker, with policies of their own.
        let list = Statement::from_string(
            DbBackend::Postgres,
            format!(
                "SELECT relname::text, relrowsecurity AND relforcerowsecurity AS forced
                 FROM pg_class WHERE relname ~ '^task_[0-9]+$' AND relkind = 'r'
                   AND relnamespace = '{}'::regnamespace",
                cluster.schema
            ),
        );
        let transaction = worker.begin().await.unwrap();
        let show = "SET LOCAL citus.override_table_visibility = off";
        transaction.execute_unprepared(show).await.unwrap();
        for row in transaction.query_all_raw(list).await.unwrap() {
            let (shard, forced): (String, bool) = (
                row.try_get_by_index(0).unwrap(),
                row.try_get_by_index(1).unwrap(),
            );
            assert!(forced, "{shard}");
            let count = format!("SELECT count(*) FROM {shard}");
            assert_eq!(one::<i64>(&transaction, &count).await, 0, "{shard}");
            shards += 1;
        }
    }
    assert_eq!(shards, 32);

    // Their rows are there.
    let count = "SELECT sum(result::int)::bigint FROM run_command_on_shards('task', 'SELECT \
                 count(*) FROM %s')";
    assert_eq!(one::<i64>(&cluster.owner, count).await, 2);
    cluster.drop().await;
}

/// Citus runs a function that a statement calls for each row on the workers, and keeps its sessions
/// there. What the function sets is nobody's context afterwards: each statement of a transaction, and
/// each transaction, sets every setting that a policy reads.
#[tokio::test]
async fn what_a_function_leaves_on_workers_is_nobodys_context() {
    let cluster = Cluster::new().await;
    let (hers, his) = cluster.tasks().await;
    let create = format!(
        "CREATE FUNCTION {}.hidden(who text) RETURNS text LANGUAGE sql VOLATILE
         AS $$ SELECT set_config('app.user_id', who, false) $$",
        cluster.schema
    );
    cluster.owner.execute_unprepared(&create).await.unwrap();
    let call = format!(
        "SELECT {}.hidden('{}') FROM task",
        cluster.schema, cluster.bob
    );
    let call = || Statement::from_string(DbBackend::Postgres, call.clone());

    let left = cluster.ann().query_all_raw(call()).await.unwrap();
    assert!(!left.is_empty(), "it ran");
    for _ in 0..3 {
        assert!(all_tasks(&cluster.db.anonymous()).await.is_empty());
        assert_eq!(all_tasks(&cluster.ann()).await, std::slice::from_ref(&hers));
        assert_eq!(all_tasks(&cluster.bob()).await, std::slice::from_ref(&his));
    }

    // Nor is it if the coordinator was told to repeat no setting.
    let create = format!(
        "CREATE FUNCTION {}.mute() RETURNS text LANGUAGE sql VOLATILE
         AS $$ SELECT set_config('citus.propagate_set_commands', 'none', true) $$",
        cluster.schema
    );
    cluster.owner.execute_unprepared(&create).await.unwrap();
    let mute = format!("SELECT {}.mute()", cluster.schema);
    let mute = Statement::from_string(DbBackend::Postgres, mute);

    let transaction = cluster.ann().begin().await.unwrap();
    transaction.query_all_raw(mute).await.unwrap();
    transaction.query_all_raw(call()).await.unwrap();
    assert_eq!(all_tasks(&transaction).await, std::slice::from_ref(&hers));
    transaction.query_all_raw(call()).await.unwrap();
    let stream = task::Entity::find().stream(&transaction).await.unwrap();
    let rows: Vec<task::Model> = stream.try_collect().await.unwrap();
    assert_eq!(rows, [hers]);
    transaction.commit().await.unwrap();

    // Within one text nothing would set the context again.
    let both = format!(
        "SELECT {}.hidden('{}') FROM task; DELETE FROM task;",
        cluster.schema, cluster.bob
    );
    let refused = cluster.ann().execute_unprepared(&both).await.unwrap_err();
    let refused = RlsError::from(refused);
    assert!(matches!(refused, RlsError::NotOnCitus { .. }), "{refused}");
    assert_eq!(all_tasks(&cluster.bob()).await, [his]);
    let alone = "UPDATE task SET title = title; ";
    cluster.ann().execute_unprepared(alone).await.unwrap();

    // The coordinator's other ways to workers carry no context.
    let elsewhere = "SELECT count(*) FROM run_command_on_workers('SELECT count(*) FROM task') \
                     WHERE success AND result <> '0'";
    assert_eq!(one::<i64>(&cluster.ann(), elsewhere).await, 0);
    let on_shards = "SELECT coalesce(sum(result::int), 0)::bigint FROM \
                     run_command_on_shards('task', 'SELECT count(*) FROM %s')";
    assert_eq!(one::<i64>(&cluster.ann(), on_shards).await, 0);
    cluster.drop().await;
}
