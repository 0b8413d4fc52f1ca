use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::fixture::{Service, assert_problem, request};

#[tokio::test]
async fn superuser_reads_changes_and_deletes_anyones_task_with_a_reason() {
    let service = Service::new().await;
    let id = service.task(&service.ann, "ann's").await;
    service.task(&service.bob, "bob's").await;
    let path = format!("/admin/tasks/{id}");
    let root = &service.root;
    let (status, page) = service.administrate(root, "GET", "/admin/tasks", Value::Null).await;
    assert_eq!((status, &page["total"]), (StatusCode::OK, &json!(2)));
    assert_eq!(service.administrate(root, "GET", &path, Value::Null).await.1["title"], json!("ann's"));
    let (_, mended) = service.administrate(root, "PATCH", &path, json!({ "title": "mended" })).await;
    assert_eq!((&mended["title"], &mended["owner_id"]), (&json!("mended"), &json!(service.ann.id)));
    assert_eq!(service.titles(&service.ann, "").await, ["mended"]);
    assert_eq!(service.administrate(root, "DELETE", &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert!(service.titles(&service.ann, "").await.is_empty());
    // Beside these routes a superuser is a user like any other.
    assert!(service.titles(root, "").await.is_empty());
}

#[tokio::test]
async fn every_admin_route_asks_who_and_why() {
    let service = Service::new().await;
    let id = service.task(&service.bob, "bob's").await;
    let (task, user) = (format!("/admin/tasks/{id}"), format!("/admin/users/{}", service.bob.id));
    let member = format!("/admin/teams/{id}/members/{}", service.ann.id);
    for (method, path) in [
        ("GET", "/admin/users"),
        ("DELETE", &user),
        ("GET", "/admin/tasks"),
        ("GET", &task),
        ("PATCH", &task),
        ("DELETE", &task),
        ("POST", "/admin/teams"),
        ("PUT", &member),
        ("DELETE", &member),
    ] {
        let body = json!({ "name": "mine" });
        let send = async |token: &str, reason| service.send(request(method, path, token, reason, &body)).await;
        assert_problem(&send("", "why").await, 401, "unauthenticated");
        assert_problem(&send(&service.ann.token, "why").await, 403, "not_administrator");
        assert_problem(&send(&service.ann.token, "").await, 403, "not_administrator");
        assert_problem(&send(&service.root.token, "").await, 400, "reason_required");
        assert_problem(&send(&service.root.token, "  ").await, 400, "reason_required");
    }
    assert_eq!(service.titles(&service.bob, "").await, ["bob's"]);
}

#[tokio::test]
async fn superuser_is_one_at_the_time_of_the_request() {
    use sea_orm::ConnectionTrait;
    let service = Service::new().await;
    let ask = async || service.administrate(&service.root, "GET", "/admin/users", Value::Null).await;
    assert_eq!(ask().await.0, StatusCode::OK);
    service.admin().execute_unprepared("UPDATE \"user\" SET is_superuser = false").await.unwrap();
    assert_problem(&ask().await, 403, "not_administrator");
}

#[tokio::test]
async fn deleted_user_takes_theirs_along() {
    let service = Service::new().await;
    let new = json!({ "title": "theirs", "comment": "too" });
    service.post(&service.ann, "/tasks", new.clone()).await;
    service.post(&service.bob, "/tasks", new).await;
    let path = format!("/admin/users/{}", service.bob.id);
    assert_eq!(service.administrate(&service.root, "DELETE", &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_problem(&service.administrate(&service.root, "DELETE", &path, Value::Null).await, 404, "not_found");
    let (_, users) = service.administrate(&service.root, "GET", "/admin/users", Value::Null).await;
    let emails: Vec<_> = users["items"].as_array().unwrap().iter().map(|user| &user["email"]).collect();
    assert_eq!(emails, ["ann@example.org", "root@example.org"]);
    for table in ["task", "comment"] {
        assert_eq!(service.number(&format!("SELECT count(*) FROM {table}")).await, 1, "{table}");
    }
    assert_eq!(service.titles(&service.ann, "").await, ["theirs"]);
}
