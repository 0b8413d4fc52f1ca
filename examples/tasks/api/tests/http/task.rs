use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::fixture::{Service, assert_problem, request};

#[tokio::test]
async fn own_tasks_are_added_read_changed_and_deleted() {
    let service = Service::new().await;
    let (ann, bob) = (&service.ann, &service.bob);
    let new = json!({ "title": "roof", "priority": "high", "due_at": "2030-01-01T00:00:00Z", "comment": "before winter" });
    let (status, task) = service.post(ann, "/tasks", new).await;

    assert_eq!(
        (status, &task["owner_id"]),
        (StatusCode::CREATED, &json!(ann.id)),
        "the database fills the owner"
    );
    service.task(bob, "bob's").await;

    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    let (_, whole) = service.get(ann, &path).await;
    assert_eq!(whole["title"], task["title"]);
    assert_eq!(
        (&whole["owner"], &whole["comments"][0]["text"]),
        (&json!(ann.email), &json!("before winter")),
        "related"
    );
    assert_eq!(
        service.get(ann, &format!("{path}/comments")).await.1[0]["text"],
        json!("before winter")
    );

    let (status, changed) = service.patch(ann, &path, json!({ "is_done": true })).await;
    assert_eq!(
        (status, &changed["is_done"], &changed["title"]),
        (StatusCode::OK, &json!(true), &json!("roof"))
    );
    assert_eq!(service.titles(ann, "").await, ["roof"]);
    assert_eq!(service.delete(ann, &path).await.0, StatusCode::NO_CONTENT);
    assert_problem(&service.get(ann, &path).await, 404, "not_found");
    assert_eq!(service.titles(bob, "").await, ["bob's"]);
}

#[tokio::test]
async fn list_is_paged_and_searched() {
    let service = Service::new().await;
    for title in [
        "Plants",
        "plan the trip",
        "100% wool",
        "call_bob",
        "callsbob",
    ] {
        service.task(&service.ann, title).await;
    }

    service.task(&service.bob, "plan of Bob's").await;

    let (_, page) = service.get(&service.ann, "/tasks?limit=2&offset=1").await;
    assert_eq!(page["total"], json!(5));
    assert_eq!(
        service.titles(&service.ann, "?limit=2&offset=1").await,
        ["call_bob", "100% wool"]
    );
    assert_eq!(
        service.titles(&service.ann, "?q=plan").await,
        ["plan the trip", "Plants"]
    );
    assert_eq!(
        service.titles(&service.ann, "?q=%25").await,
        ["100% wool"],
        "a text is no pattern"
    );
    assert_eq!(service.titles(&service.ann, "?q=call_").await, ["call_bob"]);
    assert!(service.titles(&service.ann, "?q=%5C").await.is_empty());
    assert_eq!(
        service
            .titles(&service.ann, "?limit=18446744073709551615")
            .await
            .len(),
        5
    );
    assert!(
        service
            .titles(&service.ann, "?offset=18446744073709551615")
            .await
            .is_empty()
    );

    assert_eq!(
        service.get(&service.ann, "/tasks?limit=-1").await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn shared_task_is_read_by_everyone_and_changed_by_its_owner() {
    let service = Service::new().await;
    let (ann, bob) = (&service.ann, &service.bob);
    let id = service.task(ann, "street party").await;
    let path = format!("/tasks/{id}");

    service
        .post(
            ann,
            &format!("{path}/comments"),
            json!({ "text": "a surprise" }),
        )
        .await;
    assert_problem(&service.get(bob, &path).await, 404, "not_found");
    service
        .patch(ann, &path, json!({ "is_shared": true }))
        .await;

    let (status, seen) = service.get(bob, &path).await;
    assert_eq!(
        (status, &seen["title"]),
        (StatusCode::OK, &json!("street party"))
    );
    assert_eq!(
        (&seen["owner"], &seen["comments"]),
        (&Value::Null, &json!([])),
        "what is related is not shared with it"
    );
    assert_eq!(service.titles(bob, "").await, ["street party"]);
    assert!(service.titles(bob, "?mine=true").await.is_empty());
    assert_eq!(
        service.get(bob, &format!("{path}/comments")).await.1,
        json!([]),
        "comments are not shared with it"
    );
    assert_problem(
        &service
            .patch(bob, &path, json!({ "title": "cancelled" }))
            .await,
        404,
        "not_found",
    );
    assert_problem(&service.delete(bob, &path).await, 404, "not_found");
    service
        .patch(ann, &path, json!({ "is_shared": false }))
        .await;
    assert!(service.titles(bob, "").await.is_empty());
    assert_eq!(service.titles(ann, "").await, ["street party"]);
}

#[tokio::test]
async fn task_and_its_comment_are_added_together_or_not_at_all() {
    let service = Service::new().await;
    let nul = json!({ "title": "half", "comment": "a\u{0}b" });
    assert_problem(
        &service.post(&service.ann, "/tasks", nul).await,
        422,
        "invalid_value",
    );

    let unknown = json!({ "title": "half", "priority": "urgent", "comment": "a comment" });
    assert_problem(
        &service.post(&service.ann, "/tasks", unknown).await,
        409,
        "reference",
    );

    let long = json!({ "title": "x".repeat(201), "comment": "a comment" });
    assert_problem(
        &service.post(&service.ann, "/tasks", long).await,
        422,
        "invalid_value",
    );
    assert_problem(
        &service
            .post(&service.ann, "/tasks", json!({ "title": " " }))
            .await,
        422,
        "invalid_title",
    );
    assert_eq!(service.number("SELECT count(*) FROM task").await, 0);
    assert_eq!(service.number("SELECT count(*) FROM comment").await, 0);
}

#[tokio::test]
async fn everyone_may_ask_for_priorities_and_health_and_the_document() {
    let service = Service::new().await;
    let ask = async |path: &str| {
        service
            .send(request("GET", path, "", "", &Value::Null))
            .await
    };

    assert_eq!(
        ask("/priorities").await,
        (StatusCode::OK, json!(["low", "normal", "high"]))
    );
    assert_eq!(
        ask("/health").await,
        (
            StatusCode::OK,
            json!({ "database": "answers", "gate": "holds" })
        )
    );

    let (status, document) = ask("/openapi.json").await;
    assert_eq!(
        (status, &document["info"]["title"]),
        (StatusCode::OK, &json!("Tasks"))
    );
    assert!(
        document["paths"]["/tasks/{id}"]["patch"].is_object(),
        "{document}"
    );

    assert!(
        document["components"]["securitySchemes"]["token"].is_object(),
        "{document}"
    );
}

#[tokio::test]
async fn health_says_when_users_are_no_longer_kept_apart() {
    use sea_orm::ConnectionTrait;

    let service = Service::new().await;
    service
        .owner
        .execute_unprepared("ALTER TABLE task NO FORCE ROW LEVEL SECURITY")
        .await
        .unwrap();

    let ill = service
        .send(request("GET", "/health", "", "", &Value::Null))
        .await;
    assert_problem(&ill, 503, "unavailable");
    assert!(!ill.1.to_string().contains("task"), "{}", ill.1);
}
