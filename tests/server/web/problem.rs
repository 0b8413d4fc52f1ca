use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, TransactionError, TransactionTrait};
use sea_orm_rls::RlsError;
use sea_orm_rls::axum::{Problem, RequestDatabase};
use serde_json::{Value, json};

use super::{answer, request, router, send};
use crate::fixture::Fixture;
use crate::lane::new_task;

async fn code(db: &impl ConnectionTrait, sql: &str) -> (u16, &'static str) {
    let problem = Problem::from(db.execute_unprepared(sql).await.unwrap_err());
    (problem.status().as_u16(), problem.code())
}

#[tokio::test]
async fn refusals_of_the_server_have_answers() {
    let fixture = Fixture::new(1).await;
    let ann = fixture.ann();
    let task = new_task("one").insert(&ann).await.unwrap();
    let id = task.id;

    for (sql, expected) in [
        (
            format!("INSERT INTO task (id, title, rank) VALUES ('{id}', 'again', 1)"),
            (409, "already_exists"),
        ),
        (
            "INSERT INTO note (task_id, body) VALUES (gen_random_uuid(), 'of nothing')".to_owned(),
            (409, "reference"),
        ),
        (
            "INSERT INTO task (id, rank) VALUES (gen_random_uuid(), 1)".to_owned(),
            (422, "invalid_value"),
        ),
        (
            "UPDATE task SET rank = 3000000000".to_owned(),
            (422, "invalid_value"),
        ),
        (
            format!("UPDATE task SET owner_id = '{}'", fixture.bob),
            (403, "not_yours"),
        ),
        ("TRUNCATE task".to_owned(), (403, "not_granted")),
        ("SELECT 1 / 0".to_owned(), (500, "internal")),
        ("SELECT nothing FROM nowhere".to_owned(), (500, "internal")),
        (
            "SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)".to_owned(),
            (503, "unavailable"),
        ),
        ("COMMIT".to_owned(), (500, "internal")),
    ] {
        assert_eq!(code(&ann, &sql).await, expected, "{sql}");
    }

    let nul = new_task("a\0b").insert(&ann).await.unwrap_err();
    assert_eq!(Problem::from(nul).code(), "invalid_value");
}

#[tokio::test]
async fn failure_in_a_transaction_is_the_answer_of_its_commit() {
    let fixture = Fixture::new(1).await;
    let transaction = fixture.ann().begin().await.unwrap();
    transaction
        .execute_unprepared("INSERT INTO task (id, rank) VALUES (gen_random_uuid(), 1)")
        .await
        .unwrap_err();
    assert_eq!(
        Problem::from(transaction.commit().await.unwrap_err()).code(),
        "invalid_value"
    );

    let own = fixture
        .ann()
        .transaction::<_, (), Problem>(|_| Box::pin(async { Err(Problem::not_found()) }))
        .await
        .map_err(Problem::from);

    assert_eq!(own.unwrap_err().code(), "not_found");

    let lost = TransactionError::<DbErr>::Connection(DbErr::RecordNotUpdated);
    assert_eq!(Problem::from(lost).code(), "not_found");
}

#[tokio::test]
async fn body_names_no_table_and_no_column() {
    let fixture = Fixture::new(1).await;
    let router = router(&fixture);
    let ann = fixture.ann.to_string();
    let task = new_task("one").insert(&fixture.ann()).await.unwrap();
    let twice = json!({ "id": task.id, "title": "again" });
    let (status, body) = send(&router, request("POST", "/mine", &ann, &[], &twice)).await;

    assert_eq!(status, StatusCode::CONFLICT);

    let expected = json!({
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "code": "already_exists",
        "detail": "there is such a thing already",
    });

    assert_eq!(body, expected);
}

#[tokio::test]
async fn exhausted_pool_is_unavailable() {
    let fixture = Fixture::with_options(1, |options| {
        options.acquire_timeout(std::time::Duration::from_secs(2));
    })
    .await;

    let router = router(&fixture);
    let held = fixture.bob().begin().await.unwrap();

    for path in ["/mine", "/two"] {
        let method = if path == "/mine" { "GET" } else { "POST" };
        let (status, body) = send(
            &router,
            request(method, path, &fixture.ann.to_string(), &[], &Value::Null),
        )
        .await;

        assert_eq!(
            (status, &body["code"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")),
            "{path}"
        );
    }

    drop(held);

    let (status, _) = send(
        &router,
        request("GET", "/mine", &fixture.ann.to_string(), &[], &Value::Null),
    )
    .await;

    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn gate_is_asked_again_while_the_service_runs() {
    let fixture = Fixture::new(1).await;
    let database = RequestDatabase::new(fixture.db.clone());
    database.check_gate().await.unwrap();
    fixture
        .owner
        .execute_unprepared("DROP POLICY task_guard ON task")
        .await
        .unwrap();

    let error = database.check_gate().await.unwrap_err();
    assert!(matches!(error, RlsError::Gate(_)), "{error}");

    let response = axum::response::IntoResponse::into_response(Problem::from(error));
    assert_eq!(response.headers()["retry-after"], "1");

    let (status, body) = answer(response).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!body.to_string().contains("task"), "{body}");
}
