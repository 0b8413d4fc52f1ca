use std::time::Duration;

use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use sea_orm_rls::UserContext;
use serde_json::{Value, json};
use tasks_api::worker::{KEPT, purge, remind, run};
use tasks_entity::comment;
use tokio::sync::watch;

use crate::fixture::{Person, Service};

async fn due(service: &Service, who: &Person, title: &str, due_at: &str) -> Value {
    service
        .post(who, "/tasks", json!({ "title": title, "due_at": due_at }))
        .await
        .1
}

const PAST: &str = "2020-01-01T00:00:00Z";
const FUTURE: &str = "2999-01-01T00:00:00Z";

#[tokio::test]
async fn each_user_is_reminded_among_their_own() {
    let service = Service::new().await;
    let first = due(&service, &service.ann, "ann's", PAST).await;
    due(&service, &service.ann, "later", FUTURE).await;

    let shared = due(&service, &service.bob, "bob's", PAST).await;
    let done = due(&service, &service.bob, "done", PAST).await;
    let path = |task: &Value| format!("/tasks/{}", task["id"].as_str().unwrap());

    // Ann reads it, and it is not hers to be reminded of.
    service
        .patch(&service.bob, &path(&shared), json!({ "is_shared": true }))
        .await;
    service
        .patch(&service.bob, &path(&done), json!({ "is_done": true }))
        .await;

    assert_eq!(remind(&service.db).await.unwrap(), 2);
    assert_eq!(remind(&service.db).await.unwrap(), 0, "once");

    for who in [&service.ann, &service.bob] {
        let mine = service.db.scope(UserContext::new(who.id));
        let comments = comment::Entity::find()
            .order_by_asc(comment::Column::Id)
            .all(&mine)
            .await
            .unwrap();

        assert_eq!(
            comments
                .iter()
                .map(|comment| &*comment.text)
                .collect::<Vec<_>>(),
            ["This is due."]
        );
    }

    let due_at = json!({ "due_at": "2021-01-01T00:00:00Z" });
    service.patch(&service.ann, &path(&first), due_at).await;
    assert_eq!(
        remind(&service.db).await.unwrap(),
        1,
        "one that was moved is due again"
    );

    let recorded = "SELECT count(*) FROM rls_audit WHERE actor = 'tasks worker'";

    assert_eq!(
        service.number(recorded).await,
        3,
        "the administrator looks for users, and does no more"
    );
}

#[tokio::test]
async fn two_workers_remind_once() {
    let service = Service::new().await;
    for title in ["one", "two", "three"] {
        due(&service, &service.ann, title, PAST).await;
    }

    let (one, two) = tokio::join!(remind(&service.db), remind(&service.db));
    assert_eq!(one.unwrap() + two.unwrap(), 3);
    assert_eq!(service.number("SELECT count(*) FROM comment").await, 3);
}

#[tokio::test]
async fn failure_for_one_user_stops_no_other() {
    let service = Service::new().await;
    due(&service, &service.ann, "ann's", PAST).await;
    due(&service, &service.bob, "bob's", PAST).await;

    let refuse = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF EXISTS (SELECT FROM task WHERE id = NEW.task_id AND owner_id = '{}') THEN RAISE \
             'no'; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON comment FOR EACH ROW EXECUTE FUNCTION refuse()",
        service.ann.id
    );

    service.owner.execute_unprepared(&refuse).await.unwrap();
    assert_eq!(remind(&service.db).await.unwrap(), 1);
    assert_eq!(service.number("SELECT count(*) FROM comment").await, 1);

    assert_eq!(
        service
            .number("SELECT count(*) FROM task WHERE reminded_at IS NOT NULL")
            .await,
        1,
        "hers is undone"
    );
}

#[tokio::test]
async fn old_tasks_that_are_done_are_purged() {
    let service = Service::new().await;
    for who in [&service.ann, &service.bob] {
        for title in ["old", "old but open", "new"] {
            service.task(who, title).await;
        }
    }

    let age = "UPDATE task SET created_at = now() - interval '91 days' WHERE title LIKE 'old%';
               UPDATE task SET is_done = true WHERE title <> 'old but open'";
    service.owner.execute_unprepared(age).await.unwrap();
    assert_eq!(purge(&service.db, KEPT).await.unwrap(), 2);

    let recorded =
        "SELECT count(*) FROM rls_audit WHERE actor = 'tasks worker' AND reason LIKE 'purge %'";
    assert_eq!(service.number(recorded).await, 1);

    let mut left = service.titles(&service.ann, "").await;
    left.sort();
    assert_eq!(left, ["new", "old but open"]);
}

#[tokio::test]
async fn worker_works_until_it_is_told_to_stop() {
    let service = Service::new().await;
    due(&service, &service.ann, "ann's", PAST).await;

    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(run(service.db.clone(), Duration::from_millis(10), stopped));
    while service.number("SELECT count(*) FROM comment").await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    stop.send_replace(true);

    tokio::time::timeout(Duration::from_secs(10), worker)
        .await
        .unwrap()
        .unwrap();
}
