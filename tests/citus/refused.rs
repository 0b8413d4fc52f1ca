//! What Citus cannot do: refused by name, with the way round, and nothing is stored.

use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use sea_orm_rls::error::{NotOnCitus, SchemaError};
use sea_orm_rls::signing::{SignedContexts, SigningKey};
use sea_orm_rls::{RlsError, RlsSchema};

use crate::cluster::{Cluster, config, connect, create_tables, empty, entities, task};

#[tokio::test]
async fn statements_that_citus_cannot_run_are_refused_by_name() {
    let cluster = Cluster::new().await;
    cluster.tasks().await;
    let ann = cluster.ann();

    for (state, statement) in [
        (
            "0A000",
            "INSERT INTO task (owner_id, id, title, rank)
         SELECT owner_id, gen_random_uuid(), title, rank FROM task LIMIT 1",
        ),
        (
            "XX000",
            "MERGE INTO task t USING \"user\" u ON t.owner_id = u.id
         WHEN MATCHED THEN UPDATE SET title = 'merged'",
        ),
    ] {
        let error = RlsError::from(ann.execute_unprepared(statement).await.unwrap_err());
        assert!(
            matches!(error, RlsError::RefusedByCitus { .. }),
            "{error:?}"
        );
        assert_eq!(error.sqlstate().as_deref(), Some(state));
    }

    let copy = RlsError::from(
        ann.execute_unprepared("COPY task TO STDOUT")
            .await
            .unwrap_err(),
    );
    assert!(matches!(copy, RlsError::Copy), "{copy:?}");
    let stored = task::Entity::find().count(&cluster.admin()).await.unwrap();
    assert_eq!(stored, 2, "nothing was stored");
    cluster.drop().await;
}

#[tokio::test]
async fn signed_contexts_are_refused_at_plan_and_at_connect() {
    let cluster = Cluster::new().await;
    let key: SigningKey = "testkey0:dGhpcyBzZWNyZXQgc3RhbmRzIGluIG5vIG91dHB1dCE="
        .parse()
        .unwrap();
    let signed = cluster
        .config
        .clone()
        .signed_contexts(SignedContexts::Sent)
        .signing_keys(key);

    let planned = RlsSchema::new(entities(), signed.clone());
    let error = planned.plan(&cluster.owner).await.unwrap_err();
    assert!(is_reason(&error, &NotOnCitus::Signed), "{error:?}");
    let error = connect(&cluster.schema, &signed).await.unwrap_err();
    assert!(matches!(error, RlsError::NotOnCitus { .. }), "{error:?}");
    cluster.drop().await;
}

#[tokio::test]
async fn tables_that_citus_cannot_distribute_are_refused_at_plan() {
    let (owner, schema) = empty().await;
    create_tables(&owner).await;
    let rls = RlsSchema::new(entities(), config(&schema));

    let unique = "CREATE UNIQUE INDEX task_id ON task (id)";
    owner.execute_unprepared(unique).await.unwrap();
    let error = rls.plan(&owner).await.unwrap_err();
    let reason = NotOnCitus::Unique {
        columns: vec!["id".to_owned()],
        column: "owner_id".to_owned(),
    };
    assert!(is_reason(&error, &reason), "{error:?}");

    let otherwise = "DROP INDEX task_id";
    owner.execute_unprepared(otherwise).await.unwrap();
    let reference = "SELECT create_reference_table('task')";
    owner.execute_unprepared(reference).await.unwrap();
    let error = rls.plan(&owner).await.unwrap_err();
    assert!(is_reason(&error, &NotOnCitus::Otherwise), "{error:?}");

    let drop = format!("DROP SCHEMA {schema} CASCADE");
    owner.execute_unprepared(&drop).await.unwrap();
}

fn is_reason(error: &RlsError, expected: &NotOnCitus) -> bool {
    matches!(error, RlsError::Schema(SchemaError::NotOnCitus { reason, .. }) if reason == expected)
}
