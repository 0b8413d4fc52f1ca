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
    let (status, page) = service
        .administrate(root, "GET", "/admin/tasks", Value::Null)
        .await;

    assert_eq!((status, &page["total"]), (StatusCode::OK, &json!(2)));
    assert_eq!(
        service
            .administrate(root, "GET", &path, Value::Null)
            .await
            .1["title"],
        json!("ann's")
    );

    let (_, mended) = service
        .administrate(root, "PATCH", &path, json!({ "title": "mended" }))
        .await;
    assert_eq!(
        (&mended["title"], &mended["owner_id"]),
        (&json!("mended"), &json!(service.ann.id))
    );
    assert_eq!(service.titles(&service.ann, "").await, ["mended"]);
    assert_eq!(
        service
            .administrate(root, "DELETE", &path, Value::Null)
            .await
            .0,
        StatusCode::NO_CONTENT
    );
    assert!(service.titles(&service.ann, "").await.is_empty());

    // Beside these routes a superuser is a user like any other.
    assert!(service.titles(root, "").await.is_empty());
}

#[tokio::test]
async fn every_admin_route_asks_who_and_why() {
    let service = Service::new().await;
    let id = service.task(&service.bob, "bob's").await;
    let (task, user) = (
        format!("/admin/tasks/{id}"),
        format!("/admin/users/{}", service.bob.id),
    );

    let member = format!("/admin/teams/{id}/members/{}", service.ann.id);
    let (of_user, done) = (format!("{user}/tasks"), format!("{user}/tasks/done"));

    for (method, path) in [
        ("GET", "/admin/users"),
        ("DELETE", &user),
        ("GET", &of_user),
        ("DELETE", &done),
        ("GET", "/admin/audit"),
        ("GET", "/admin/tasks"),
        ("GET", &task),
        ("PATCH", &task),
        ("DELETE", &task),
        ("POST", "/admin/teams"),
        ("PUT", &member),
        ("DELETE", &member),
    ] {
        let body = json!({ "name": "mine" });
        let send = async |token: &str, reason| {
            service
                .send(request(method, path, token, reason, &body))
                .await
        };

        assert_problem(&send("", "why").await, 401, "unauthenticated");
        assert_problem(
            &send(&service.ann.token, "why").await,
            403,
            "not_administrator",
        );
        assert_problem(
            &send(&service.ann.token, "").await,
            403,
            "not_administrator",
        );
        assert_problem(&send(&service.root.token, "").await, 400, "reason_required");

        assert_problem(
            &send(&service.root.token, "  ").await,
            400,
            "reason_required",
        );
    }

    assert_eq!(service.titles(&service.bob, "").await, ["bob's"]);

    let recorded = "SELECT count(*) FROM rls_audit WHERE actor <> 'tasks service'";

    assert_eq!(
        service.number(recorded).await,
        0,
        "what is refused is not recorded as done"
    );
}

/// `(actor, reason)` of what was done, oldest first; this look comes last.
async fn recorded(service: &Service) -> Vec<(String, String)> {
    let (status, page) = service
        .send(request(
            "GET",
            "/admin/audit?limit=100",
            &service.root.token,
            "audit",
            &Value::Null,
        ))
        .await;

    assert_eq!(status, StatusCode::OK, "{page}");

    let text = |record: &Value, key: &str| record[key].as_str().unwrap().to_owned();
    let items = page["items"].as_array().unwrap();
    assert_eq!(page["total"], json!(items.len()));

    items
        .iter()
        .rev()
        .map(|record| (text(record, "actor"), text(record, "reason")))
        .collect()
}

#[tokio::test]
async fn each_request_of_an_administrator_is_recorded_once_with_who_and_why() {
    let service = Service::new().await;
    let path = format!("/admin/tasks/{}", service.task(&service.ann, "ann's").await);
    service.get(&service.root, "/tasks").await;

    for (method, path, reason) in [
        ("GET", "/admin/users", "count users"),
        ("GET", "/admin/tasks?q=a", "look for a task"),
        ("GET", &path, "look at it"),
        ("PATCH", &path, "mend it"),
        ("DELETE", &path, "it's \"spam\"; DROP TABLE rls_audit"),
    ] {
        let body = json!({ "title": "mended" });
        let (status, body) = service
            .send(request(method, path, &service.root.token, reason, &body))
            .await;
        assert!(status.is_success(), "{method} {path}: {body}");
    }

    let recorded = recorded(&service).await;
    let (first, asked) = recorded.split_first().unwrap();
    assert_eq!(first.0, "tasks service", "who made the first superuser");
    assert!(
        asked.iter().all(|(actor, _)| *actor == service.root.email),
        "{asked:?}"
    );

    let reasons: Vec<_> = asked.iter().map(|(_, reason)| reason.as_str()).collect();

    assert_eq!(
        reasons,
        [
            "count users",
            "look for a task",
            "look at it",
            "mend it",
            "it's \"spam\"; DROP TABLE rls_audit",
            "audit"
        ]
    );
}

#[tokio::test]
async fn maintenance_for_one_user_reaches_no_other_and_is_recorded() {
    let service = Service::new().await;
    for (who, title) in [(&service.ann, "ann's"), (&service.bob, "bob's")] {
        let path = format!("/tasks/{}", service.task(who, title).await);
        service.patch(who, &path, json!({ "is_done": true })).await;
        service.task(who, "open").await;
    }

    let user = format!("/admin/users/{}", service.bob.id);
    let (_, page) = service
        .administrate(&service.root, "GET", &format!("{user}/tasks"), Value::Null)
        .await;
    assert_eq!(
        (&page["total"], &page["items"][1]["title"]),
        (&json!(2), &json!("bob's"))
    );

    let done = service
        .administrate(
            &service.root,
            "DELETE",
            &format!("{user}/tasks/done"),
            Value::Null,
        )
        .await;

    assert_eq!(
        done,
        (StatusCode::OK, json!({ "deleted": 1 })),
        "Ann's is done as well"
    );
    assert_eq!(service.titles(&service.bob, "").await, ["open"]);
    assert_eq!(service.titles(&service.ann, "").await, ["open", "ann's"]);

    let (_, page) = service
        .administrate(&service.root, "GET", "/admin/audit", Value::Null)
        .await;
    let whom = json!(format!(r#"{{"app.user_id": "{}"}}"#, service.bob.id));
    let items = page["items"].as_array().unwrap();

    assert_eq!(
        items[0]["on_behalf_of"],
        Value::Null,
        "this look is for nobody"
    );

    for record in &items[1..3] {
        assert_eq!(
            (&record["on_behalf_of"], &record["actor"]),
            (&whom, &json!(service.root.email))
        );
    }
}

#[tokio::test]
async fn service_without_its_record_administrates_nothing() {
    use sea_orm::ConnectionTrait;

    let service = Service::new().await;
    let path = format!("/admin/tasks/{}", service.task(&service.ann, "ann's").await);
    service
        .owner
        .execute_unprepared("DROP TABLE rls_audit")
        .await
        .unwrap();

    for (method, path) in [("GET", "/admin/users"), ("DELETE", &path)] {
        let refused = service
            .administrate(&service.root, method, path, Value::Null)
            .await;
        assert_problem(&refused, 503, "unavailable");
        assert!(!refused.1.to_string().contains("audit"), "{}", refused.1);
    }

    assert_problem(
        &service
            .send(request("GET", "/health", "", "", &Value::Null))
            .await,
        503,
        "unavailable",
    );

    assert_eq!(
        service.titles(&service.ann, "").await,
        ["ann's"],
        "users go on"
    );
}

#[tokio::test]
async fn superuser_is_one_at_the_time_of_the_request() {
    use sea_orm::ConnectionTrait;

    let service = Service::new().await;
    let ask = async || {
        service
            .administrate(&service.root, "GET", "/admin/users", Value::Null)
            .await
    };

    assert_eq!(ask().await.0, StatusCode::OK);
    service
        .admin()
        .execute_unprepared("UPDATE \"user\" SET is_superuser = false")
        .await
        .unwrap();
    assert_problem(&ask().await, 403, "not_administrator");
}

#[tokio::test]
async fn deleted_user_takes_theirs_along() {
    let service = Service::new().await;
    let new = json!({ "title": "theirs", "comment": "too" });
    service.post(&service.ann, "/tasks", new.clone()).await;
    service.post(&service.bob, "/tasks", new).await;

    let path = format!("/admin/users/{}", service.bob.id);
    assert_eq!(
        service
            .administrate(&service.root, "DELETE", &path, Value::Null)
            .await
            .0,
        StatusCode::NO_CONTENT
    );
    assert_problem(
        &service
            .administrate(&service.root, "DELETE", &path, Value::Null)
            .await,
        404,
        "not_found",
    );

    let (_, users) = service
        .administrate(&service.root, "GET", "/admin/users", Value::Null)
        .await;
    let emails: Vec<_> = users["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["email"])
        .collect();

    assert_eq!(emails, ["ann@example.org", "root@example.org"]);
    for table in ["task", "comment"] {
        assert_eq!(
            service
                .number(&format!("SELECT count(*) FROM {table}"))
                .await,
            1,
            "{table}"
        );
    }

    assert_eq!(service.titles(&service.ann, "").await, ["theirs"]);
}
