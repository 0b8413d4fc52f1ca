//! What else the library does with tables, on tables that are distributed.

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Statement};
use sea_orm_rls::policy::Command;
use sea_orm_rls::schema::{Change, TableChange};
use sea_orm_rls::subject::Subject;
use sea_orm_rls::testing::{IsolationProof, ProofError};
use sea_orm_rls::why::{Cause, Outcome, Why};
use sea_orm_rls::{AdminContext, RlsError, RlsSchema, UserContext};

use crate::cluster::{Cluster, all_tasks, entities, task, user};

fn carol() -> AdminContext {
    AdminContext::new("carol", "ticket 4711").unwrap()
}

/// A proof reads as the application's role what its own transaction made, which other sessions of
/// the workers do not see.
#[tokio::test]
async fn proof_and_its_control_are_refused_by_name() {
    let cluster = Cluster::new().await;
    let entities = entities();
    let proof = IsolationProof::new(&entities);

    let run = proof.run(&cluster.owner, &cluster.db).await.unwrap_err();
    let control = proof
        .control(&cluster.owner, &cluster.db)
        .await
        .unwrap_err();
    for error in [run, control] {
        let ProofError::OnCitus { tables } = &error else {
            panic!("{error:?}")
        };
        assert!(tables.contains("task"), "{tables}");
    }
    cluster.drop().await;
}

#[tokio::test]
async fn why_a_row_is_hidden_and_who_reaches_it() {
    let cluster = Cluster::new().await;
    let (_, his) = cluster.tasks().await;
    let why = Why::on(&cluster.db, carol());
    let key = [his.owner_id.to_string(), his.id.to_string()];
    let key: Vec<&str> = key.iter().map(String::as_str).collect();

    for (user, expected) in [
        (cluster.ann, (Outcome::Hidden, Some("other_holder"))),
        (cluster.bob, (Outcome::Passes, None)),
    ] {
        let answer = why.row(UserContext::new(user), "task", &key).await.unwrap();
        let command = answer.command(Command::Update).unwrap();
        let cause = command.causes.first().map(Cause::as_str);
        assert_eq!((command.outcome, cause), expected, "{}", answer.text(false));
    }

    let who = why.who("task", &key).await.unwrap();
    let text = who.text();
    assert!(text.contains(&cluster.bob.to_string()), "{text}");
    assert!(!text.contains(&cluster.ann.to_string()), "{text}");
    cluster.drop().await;
}

#[tokio::test]
async fn rows_of_one_user_are_exported_and_erased() {
    let cluster = Cluster::new().await;
    let (hers, his) = cluster.tasks().await;
    let of = |user| {
        let subject = Subject::new(&cluster.db, UserContext::new(user));
        subject.skip("country", "the same for everyone")
    };
    let subject = of(cluster.ann);

    let mut exported = Vec::new();
    let receipt = subject.export(carol(), &mut exported).await.unwrap();
    let exported = String::from_utf8(exported).unwrap();
    assert_eq!(exported.lines().count(), 2, "{exported}\n{receipt}");
    assert!(exported.contains(&hers.id.to_string()));
    assert!(!exported.contains(&his.id.to_string()));

    assert_eq!(subject.preview(carol()).await.unwrap().rows(), 2);
    assert_eq!(subject.erase(carol()).await.unwrap().rows(), 2);
    assert_eq!(all_tasks(&cluster.admin()).await, [his]);
    let users = user::Entity::find().count(&cluster.admin()).await.unwrap();
    assert_eq!(users, 1);

    let batched = of(cluster.bob).batch(std::num::NonZeroU32::new(1).unwrap());
    assert_eq!(batched.erase(carol()).await.unwrap().rows(), 2);
    assert!(all_tasks(&cluster.admin()).await.is_empty());
    cluster.drop().await;
}

/// Privileges on columns stand on each shard, and a plan that looks again finds nothing to do.
#[tokio::test]
async fn privileges_on_columns_reach_the_workers() {
    let cluster = Cluster::new().await;
    cluster.tasks().await;
    let rls = RlsSchema::new(limited::entities(), cluster.config.clone());
    rls.sync(&cluster.owner).await.unwrap();
    let plan = rls.plan(&cluster.owner).await.unwrap();
    assert!(plan.is_empty(), "{plan}");

    let ann = cluster.ann();
    let rank = "UPDATE task SET rank = 2";
    assert_eq!(
        ann.execute_unprepared(rank).await.unwrap().rows_affected(),
        1
    );
    let title = "UPDATE task SET title = 'x'";
    let error = RlsError::from(ann.execute_unprepared(title).await.unwrap_err());
    assert!(matches!(error, RlsError::MissingGrant { .. }), "{error:?}");

    let on_shards = format!(
        "SELECT bool_and(result = 'true|false') AND count(*) = 32 FROM run_command_on_shards('task',
           $$ SELECT has_column_privilege('{0}', '%1$s', 'rank', 'UPDATE') || '|' ||
                has_column_privilege('{0}', '%1$s', 'title', 'UPDATE') $$)",
        crate::cluster::role(&cluster.schema, "app")
    );
    let statement = Statement::from_string(DbBackend::Postgres, on_shards);
    let row = cluster.owner.query_one_raw(statement).await.unwrap();
    assert!(row.unwrap().try_get_by_index::<bool>(0).unwrap());
    cluster.drop().await;
}

/// The steps fill a table by its pages, which it has on the workers alone.
#[tokio::test]
async fn online_steps_leave_distributed_tables_to_the_plan() {
    let cluster = Cluster::new().await;
    let (hers, _) = cluster.tasks().await;
    let drop = "ALTER TABLE task DROP CONSTRAINT task_owner_id_fkey";
    cluster.owner.execute_unprepared(drop).await.unwrap();
    let rls = RlsSchema::new(entities(), cluster.config.clone());

    let prepared = rls.prepare_online(&cluster.owner).await.unwrap();
    assert_eq!(prepared.changes(), []);
    let applied = rls.sync(&cluster.owner).await.unwrap();
    let of_key = |change: &&Change| matches!(change, Change::Table(_, TableChange::ForeignKey(_)));
    assert_eq!(
        applied.changes().iter().filter(of_key).count(),
        1,
        "{applied}"
    );
    assert_eq!(all_tasks(&cluster.ann()).await, [hers]);

    assert_eq!(
        task::Entity::find().count(&cluster.admin()).await.unwrap(),
        2
    );
    cluster.drop().await;
}

/// The same tasks, of which the application may write some columns.
mod limited {
    use sea_orm_rls::{Registry, registry};

    mod task {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "task")]
        #[user_scoped(
            user = crate::cluster::user::Entity,
            distribute,
            grant(select, insert, update(rank), delete)
        )]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub owner_id: Uuid,
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub title: String,
            pub rank: i32,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub(super) fn entities() -> Registry {
        registry![
            crate::cluster::user::Entity,
            task::Entity,
            crate::cluster::country::Entity as Unscoped
        ]
        .unwrap()
    }
}
