use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, PaginatorTrait, TransactionTrait};
use sea_orm_rls::axum::{Problem, RequestDatabase, RequestTransaction, RequestTransactionLayer};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Service, request, router, send};
use crate::fixture::{Fixture, task};
use crate::lane::{drop_after, new_task};
use crate::schema::text;

/// Writes two tasks, by two extractors of one request, and answers with the status that was asked
/// for.
pub async fn two(
    RequestTransaction(db): RequestTransaction,
    RequestTransaction(same): RequestTransaction,
    Query(wish): Query<std::collections::HashMap<String, String>>,
) -> Result<Response, Problem> {
    new_task("first").insert(&*db).await?;
    new_task("second").insert(&*same).await?;

    let status = wish
        .get("status")
        .and_then(|status| status.parse().ok())
        .unwrap_or(StatusCode::CREATED);
    Ok(status.into_response())
}

async fn panics(RequestTransaction(db): RequestTransaction) {
    new_task("lost").insert(&*db).await.unwrap();
    panic!("as handlers do");
}

/// The server refuses the second statement, and the handler does not care.
async fn careless(RequestTransaction(db): RequestTransaction) -> StatusCode {
    new_task("lost").insert(&*db).await.unwrap();
    let _ = db
        .execute_unprepared("INSERT INTO task (id, rank) VALUES (gen_random_uuid(), 1)")
        .await;
    StatusCode::CREATED
}

async fn nested(RequestTransaction(db): RequestTransaction) -> Result<StatusCode, Problem> {
    new_task("kept").insert(&*db).await?;
    let part = db.begin().await?;
    new_task("undone").insert(&part).await?;
    part.rollback().await?;

    Ok(StatusCode::CREATED)
}

async fn keeps_it(RequestTransaction(db): RequestTransaction) -> StatusCode {
    new_task("lost").insert(&*db).await.unwrap();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(db);
    });
    StatusCode::CREATED
}

/// The transaction is in the body, which is read after the answer.
async fn streams_it(RequestTransaction(db): RequestTransaction) -> Response {
    new_task("lost").insert(&*db).await.unwrap();
    let rows = stream::unfold(db, |db| async move {
        let tasks = task::Entity::find().count(&*db).await;
        Some((tasks.map(|tasks| tasks.to_string()), db))
    });
    Body::from_stream(rows).into_response()
}

/// A body that has nothing to do with the transaction, and is never ready.
async fn slow_body(RequestTransaction(db): RequestTransaction) -> Response {
    new_task("kept").insert(&*db).await.unwrap();
    Body::from_stream(stream::pending::<Result<String, Infallible>>()).into_response()
}

/// Ends the connection, and does not care.
async fn killed(RequestTransaction(db): RequestTransaction) -> StatusCode {
    new_task("lost").insert(&*db).await.unwrap();
    let _ = db
        .execute_unprepared("SELECT pg_terminate_backend(pg_backend_pid())")
        .await;
    StatusCode::CREATED
}

async fn unused() -> StatusCode {
    StatusCode::NO_CONTENT
}

pub fn routes() -> Router<Service> {
    Router::new()
        .route("/two", post(two))
        .route("/panics", post(panics))
        .route("/careless", post(careless))
        .route("/nested", post(nested))
        .route("/keeps-it", post(keeps_it))
        .route("/streams-it", post(streams_it))
        .route("/slow-body", post(slow_body))
        .route("/killed", post(killed))
        .route("/unused", post(unused))
        .layer(RequestTransactionLayer::new())
        .merge(
            Router::new()
                .route("/safe", get(two).post(two))
                .layer(RequestTransactionLayer::new().read_only_for_safe_methods()),
        )
}

fn post_as_ann(fixture: &Fixture, path: &str) -> axum::http::Request<Body> {
    request("POST", path, &fixture.ann.to_string(), &[], &Value::Null)
}

async fn count(fixture: &Fixture) -> u64 {
    task::Entity::find().count(&fixture.admin()).await.unwrap()
}

/// The pool's one connection serves Bob, in no transaction of another's.
async fn assert_clean(fixture: &Fixture) {
    let current = "SELECT coalesce(NULLIF(current_setting('app.user_id', true), ''), 'nobody')";
    assert_eq!(text(&fixture.db.anonymous(), current).await, "nobody");
    assert_eq!(task::Entity::find().count(&fixture.bob()).await.unwrap(), 0);
}

#[tokio::test]
async fn success_commits_and_any_other_status_rolls_back() {
    let fixture = Fixture::new(1).await;
    let router = router(&fixture);
    let mut expected = 0;

    for (status, kept) in [
        (201, true),
        (303, true),
        (404, false),
        (422, false),
        (500, false),
        (503, false),
    ] {
        let (answered, _) = send(
            &router,
            post_as_ann(&fixture, &format!("/two?status={status}")),
        )
        .await;

        assert_eq!(answered.as_u16(), status);
        expected += if kept { 2 } else { 0 };
        assert_eq!(count(&fixture).await, expected, "{status}");
        assert_clean(&fixture).await;
    }
}

#[tokio::test]
async fn panic_rolls_back() {
    let fixture = Fixture::new(1).await;
    let router = router(&fixture);
    let sent = tokio::spawn(router.oneshot(post_as_ann(&fixture, "/panics")));

    assert!(sent.await.unwrap_err().is_panic());
    assert_eq!(count(&fixture).await, 0);
    assert_clean(&fixture).await;
}

#[tokio::test]
async fn failed_statement_is_the_answer_whatever_the_handler_says() {
    let fixture = Fixture::new(1).await;
    let (status, body) = send(&router(&fixture), post_as_ann(&fixture, "/careless")).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_value"))
    );
    assert_eq!(count(&fixture).await, 0);
    assert_clean(&fixture).await;
}

#[tokio::test]
async fn nested_part_fails_alone() {
    let fixture = Fixture::new(1).await;
    assert_eq!(
        send(&router(&fixture), post_as_ann(&fixture, "/nested"))
            .await
            .0,
        StatusCode::CREATED
    );
    assert_eq!(count(&fixture).await, 1);
}

#[tokio::test]
async fn transaction_that_outlives_its_handler_is_rolled_back() {
    let fixture = Fixture::new(1).await;
    let (status, body) = send(&router(&fixture), post_as_ann(&fixture, "/keeps-it")).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal"))
    );
    assert_eq!(count(&fixture).await, 0);
    assert_clean(&fixture).await;
}

#[tokio::test]
async fn body_that_holds_the_transaction_is_not_sent() {
    let fixture = Fixture::new(1).await;
    let (status, body) = send(&router(&fixture), post_as_ann(&fixture, "/streams-it")).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal"))
    );
    assert_eq!(count(&fixture).await, 0);
    assert_clean(&fixture).await;
}

#[tokio::test]
async fn what_is_answered_is_committed_before_the_body_is_read() {
    let fixture = Fixture::new(1).await;
    let response = router(&fixture)
        .oneshot(post_as_ann(&fixture, "/slow-body"))
        .await
        .unwrap();

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(count(&fixture).await, 1);
    assert_clean(&fixture).await;
}

#[tokio::test]
async fn commit_that_fails_is_the_answer() {
    let fixture = Fixture::new(1).await;
    let late = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE unique_violation USING MESSAGE = 'late, in task'; END $$;
                CREATE CONSTRAINT TRIGGER late AFTER INSERT ON task DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION refuse()";

    fixture.owner.execute_unprepared(late).await.unwrap();

    let (status, body) = send(&router(&fixture), post_as_ann(&fixture, "/two?status=201")).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::CONFLICT, &json!("already_exists"))
    );
    assert!(!body.to_string().contains("task"), "{body}");
    assert_eq!(count(&fixture).await, 0);
    assert_clean(&fixture).await;
}

#[tokio::test]
async fn connection_that_ends_is_the_answer_whatever_the_handler_says() {
    let fixture = Fixture::new(1).await;
    let (status, body) = send(&router(&fixture), post_as_ann(&fixture, "/killed")).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable"))
    );
    assert_eq!(count(&fixture).await, 0);
    assert_clean(&fixture).await;
}

#[tokio::test]
async fn safe_methods_write_nothing_where_the_layer_says_so() {
    let fixture = Fixture::new(1).await;
    let router = router(&fixture);
    let ann = fixture.ann.to_string();
    let (status, body) = send(&router, request("GET", "/safe", &ann, &[], &Value::Null)).await;

    assert_eq!(
        (status, &body["code"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal"))
    );
    assert_eq!(count(&fixture).await, 0);
    assert_eq!(
        send(&router, post_as_ann(&fixture, "/safe")).await.0,
        StatusCode::CREATED
    );
    assert_eq!(count(&fixture).await, 2);
}

#[tokio::test]
async fn transaction_needs_identity_and_layer_and_is_begun_for_nobody_else() {
    let fixture = Fixture::new(1).await;
    let router = router(&fixture);
    let (status, _) = send(
        &router,
        request("POST", "/two", "nobody", &[], &Value::Null),
    )
    .await;

    assert_eq!(status, StatusCode::UNAUTHORIZED);

    let (status, body) = send(&router, post_as_ann(&fixture, "/without-layer")).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal"))
    );

    // The one connection is held: a request that asks for no transaction waits for none.
    let held = fixture.bob().begin().await.unwrap();
    assert_eq!(
        send(&router, post_as_ann(&fixture, "/unused")).await.0,
        StatusCode::NO_CONTENT
    );
    drop(held);
}

#[tokio::test]
async fn client_gone_at_any_point_leaves_all_or_nothing() {
    let fixture = Fixture::new(1).await;
    let router = router(&fixture);
    let (mut halfway, mut written) = (0, 0);

    // A request takes as many polls as the server's answers happen to come late, so few of these
    // may interrupt one.
    for polls in (0..12).cycle().take(3000) {
        if halfway > 50 {
            break;
        }

        let sent = drop_after(polls, router.clone().oneshot(post_as_ann(&fixture, "/two"))).await;
        assert_clean(&fixture).await;

        let now = count(&fixture).await;
        match &sent {
            Some(response) => {
                assert_eq!(
                    (response.as_ref().unwrap().status(), now - written),
                    (StatusCode::CREATED, 2)
                );
            }
            // Two if the client left while the commit was on its way.
            None => assert!(
                now == written || now == written + 2,
                "{written}, then {now}"
            ),
        }

        halfway += usize::from(sent.is_none() && polls > 0);
        written = now;
    }

    assert!(
        halfway > 50 && written > 0,
        "{halfway} dropped after they had begun, {written} rows written"
    );
}

/// Lets the caller act for somebody else, after something was looked up for the caller.
async fn delegate(
    RequestTransaction(db): RequestTransaction,
    mut request: Request,
    next: Next,
) -> Response {
    drop(db);
    if let Some(other) = request.headers_mut().remove("x-act-for") {
        request.headers_mut().insert("x-user", other);
    }

    next.run(request).await
}

#[tokio::test]
async fn transaction_is_not_handed_on_to_another_user() {
    let fixture = Fixture::new(2).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();

    let state = Service {
        database: RequestDatabase::new(fixture.db.clone()),
    };
    let titles = async |RequestTransaction(db): RequestTransaction| super::titles(&*db).await;
    let router = Router::new()
        .route("/titles", get(titles))
        .layer(RequestTransactionLayer::new())
        .layer(from_fn_with_state(state.clone(), delegate))
        .layer(RequestTransactionLayer::new())
        .with_state(state);

    let (ann, bob) = (fixture.ann.to_string(), fixture.bob.to_string());
    let own = send(&router, request("GET", "/titles", &ann, &[], &Value::Null)).await;
    assert_eq!(
        own,
        (StatusCode::OK, json!(["ann's"])),
        "of two layers the outer one's transaction"
    );

    let (status, body) = send(
        &router,
        request("GET", "/titles", &ann, &[("x-act-for", &bob)], &Value::Null),
    )
    .await;

    assert_eq!(
        (status, &body["code"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal")),
        "{body}"
    );
    assert_clean(&fixture).await;
}

/// Reads its body before it runs, as axum does.
async fn with_body(
    RequestTransaction(db): RequestTransaction,
    body: String,
) -> Result<StatusCode, Problem> {
    new_task(&body).insert(&*db).await?;
    Ok(StatusCode::CREATED)
}

/// FAULTS A9.
#[tokio::test]
async fn clients_that_send_slowly_hold_no_connection() {
    let fixture = Fixture::with_options(2, |options| {
        options.acquire_timeout(Duration::from_secs(2));
    })
    .await;
    let health = async |RequestTransaction(db): RequestTransaction| {
        let counted = task::Entity::find().count(&*db).await?;
        Ok::<_, Problem>(counted.to_string())
    };
    let router = Router::new()
        .route("/slow", post(with_body))
        .route("/health", get(health))
        .layer(RequestTransactionLayer::new())
        .with_state(Service {
            database: RequestDatabase::new(fixture.db.clone()),
        });

    let mut clients = Vec::new();
    for _ in 0..10 {
        let (rest, body) = tokio::sync::oneshot::channel::<&str>();
        let mut slow = post_as_ann(&fixture, "/slow");
        *slow.body_mut() = Body::from_stream(stream::once(body));
        clients.push((rest, tokio::spawn(router.clone().oneshot(slow))));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;

    let ann = fixture.ann.to_string();
    let (status, body) = send(&router, request("GET", "/health", &ann, &[], &Value::Null)).await;
    assert_eq!((status, body), (StatusCode::OK, json!(0)));

    for (rest, client) in clients {
        rest.send("sent at last").unwrap();
        let answered = client.await.unwrap().unwrap();
        assert_eq!(answered.status(), StatusCode::CREATED);
    }
    assert_eq!(count(&fixture).await, 10);
}
