//! Background jobs that outlive the request that spawned them.

use sea_orm::{ActiveModelTrait, EntityTrait, TransactionTrait};
use sea_orm_rls::{RlsContext, ScopedConnection};
use uuid::Uuid;

use crate::fixture::{Fixture, task};
use crate::lane::new_task;

#[derive(RlsContext)]
struct Session {
    #[setting("app.user_id")]
    user: Uuid,
    #[setting("app.session")]
    session: i64,
}

async fn owners(db: &ScopedConnection) -> Vec<Uuid> {
    task::Entity::find()
        .all(db)
        .await
        .unwrap()
        .into_iter()
        .map(|task| task.owner_id)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawned_jobs_see_the_rows_of_their_own_user() {
    let fixture = Fixture::new(3).await;
    let scopes = [(fixture.ann, 1), (fixture.bob, 2)]
        .map(|(user, session)| (user, fixture.db.scope(Session { user, session })));
    for (_, scope) in &scopes {
        new_task("first").insert(scope).await.unwrap();
    }

    let jobs: Vec<_> = (0..40)
        .map(|job| {
            let (user, db) = scopes[job % 2].clone();
            tokio::spawn(async move {
                assert!(
                    owners(&db).await.iter().all(|owner| *owner == user),
                    "job {job}"
                );
                tokio::task::yield_now().await;

                let transaction = db.begin().await.unwrap();
                let inserted = new_task("job's").insert(&transaction).await.unwrap();
                assert_eq!(inserted.owner_id, user, "job {job}");
                transaction.commit().await.unwrap();

                assert!(
                    owners(&db).await.iter().all(|owner| *owner == user),
                    "job {job}"
                );
            })
        })
        .collect();

    for job in jobs {
        job.await.unwrap();
    }

    for (user, scope) in scopes {
        assert_eq!(
            owners(&scope).await,
            [user; 21],
            "all of the user's rows, and no others"
        );
    }

    assert_eq!(
        task::Entity::find()
            .all(&fixture.admin())
            .await
            .unwrap()
            .len(),
        42
    );
}
