//! `LISTEN` of sqlx's beside scopes. No policy is asked who hears what another session sends.

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, TransactionTrait};
use sea_orm_rls::RlsError;
use uuid::Uuid;

use crate::fixture::{Fixture, task};
use crate::lane::new_task;

/// One channel is told what is in a row, the other only which row it is.
const TRIGGER: &str = "
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_notify('row', row_to_json(NEW)::text), pg_notify('id', NEW.id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON task FOR EACH ROW EXECUTE FUNCTION tell()";

/// A session of the application's login that listens, on behalf of nobody.
async fn listener(fixture: &Fixture, channel: &str) -> PgListener {
    let app = fixture.config.app_role().as_str();
    let url = fixture.database.url_as(app, "app password'\\");
    let mut listener = PgListener::connect(&url).await.unwrap();
    listener.listen(channel).await.unwrap();
    listener
}

async fn payload(listener: &mut PgListener) -> String {
    listener.recv().await.unwrap().payload().to_owned()
}

#[tokio::test]
async fn payload_with_a_row_reaches_who_sees_no_row() {
    let fixture = Fixture::new(2).await;
    fixture.owner.execute_unprepared(TRIGGER).await.unwrap();
    let mut rows = listener(&fixture, "row").await;

    new_task("ann's secret")
        .insert(&fixture.ann())
        .await
        .unwrap();
    assert!(payload(&mut rows).await.contains("ann's secret"));
    let nobody = fixture.db.anonymous();
    assert!(task::Entity::find().all(&nobody).await.unwrap().is_empty());
}

/// What the manual says to do: the payload is a key, and each user's scope decides.
#[tokio::test]
async fn payload_with_a_key_is_read_in_the_scope_of_each_user() {
    let fixture = Fixture::new(2).await;
    fixture.owner.execute_unprepared(TRIGGER).await.unwrap();
    let mut keys = listener(&fixture, "id").await;

    let hers = new_task("ann's").insert(&fixture.ann()).await.unwrap();
    let id: Uuid = payload(&mut keys).await.parse().unwrap();
    assert_eq!(id, hers.id);
    for (scope, expected) in [(fixture.ann(), Some(hers)), (fixture.bob(), None)] {
        let found = task::Entity::find_by_id(id).one(&scope).await.unwrap();
        assert_eq!(found, expected);
    }
}

/// A scope sends at its commit, and cannot listen.
#[tokio::test]
async fn scope_sends_and_does_not_listen() {
    let fixture = Fixture::new(1).await;
    let ann = fixture.ann();
    let mut heard = listener(&fixture, "news").await;

    let undone = ann.begin().await.unwrap();
    undone
        .execute_unprepared("NOTIFY news, 'undone'")
        .await
        .unwrap();
    undone.rollback().await.unwrap();
    for text in ["NOTIFY news, 'text'", "SELECT pg_notify('news', 'call')"] {
        ann.execute_unprepared(text).await.unwrap();
    }
    assert_eq!(payload(&mut heard).await, "text");
    assert_eq!(payload(&mut heard).await, "call");

    let refused = ann.execute_unprepared("LISTEN news").await.unwrap_err();
    let error = RlsError::from(refused);
    assert!(matches!(error, RlsError::OutlivesScope { .. }), "{error}");
}
