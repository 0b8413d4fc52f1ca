use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::fixture::{PASSWORD, Service, assert_problem, request};

/// Texts that do something if they are taken for SQL, a pattern, or an identifier.
const TEXTS: [&str; 10] = [
    "'; DROP TABLE task; --",
    "\"; DROP TABLE \"task\"; --",
    "' OR '1'='1",
    "' UNION SELECT password_hash FROM credential --",
    "$1, (SELECT set_config('app.user_id', '00000000-0000-0000-0000-000000000000', false))",
    "'); COMMIT; SET ROLE postgres; --",
    "\\'; SELECT pg_sleep(10); --",
    "$$; RESET ALL; $$",
    "E'\\x27; DELETE FROM \"user\"",
    "/*", // the rest of the statement
];

#[tokio::test]
async fn anothers_task_cannot_be_told_from_one_that_is_not_there() {
    let service = Service::new().await;
    let ann = &service.ann;
    let own = service.task(ann, "ann's").await;
    let others = service.task(&service.bob, "bob's").await;
    let none = uuid::Uuid::new_v4().to_string();
    let mut answers = Vec::new();

    for id in [&others, &none] {
        let path = format!("/tasks/{id}");
        let comments = format!("{path}/comments");

        answers.push([
            service.get(ann, &path).await,
            service
                .patch(ann, &path, json!({ "title": "taken", "is_done": true }))
                .await,
            service
                .patch(ann, &path, json!({ "is_shared": true }))
                .await,
            service.patch(ann, &path, json!({})).await,
            service.delete(ann, &path).await,
            service.get(ann, &comments).await,
            service
                .post(ann, &comments, json!({ "text": "I was here" }))
                .await,
        ]);
    }

    assert_eq!(answers[0], answers[1]);

    let statuses: Vec<_> = answers[0].iter().map(|answer| answer.0.as_u16()).collect();
    assert_eq!(statuses, [404, 404, 404, 422, 404, 200, 403]);
    assert_eq!(service.titles(&service.bob, "").await, ["bob's"]);

    assert_eq!(
        service.get(ann, &format!("/tasks/{own}")).await.0,
        StatusCode::OK,
        "hers are reached by the same paths"
    );
}

#[tokio::test]
async fn owner_and_other_fields_in_a_body_are_refused() {
    let service = Service::new().await;
    let (ann, bob) = (&service.ann, &service.bob);
    let id = service.task(ann, "ann's").await;

    for field in ["owner_id", "id", "user_id", "created_at", "__proto__"] {
        let mut new = json!({ "title": "forged" });
        new[field] = json!(bob.id);
        assert_problem(
            &service.post(ann, "/tasks", new.clone()).await,
            422,
            "invalid_body",
        );

        assert_problem(
            &service.patch(ann, &format!("/tasks/{id}"), new).await,
            422,
            "invalid_body",
        );
    }

    let twice = service
        .send(request(
            "POST",
            "/tasks",
            &ann.token,
            "",
            &json!([{ "title": "forged" }]),
        ))
        .await;

    assert_problem(&twice, 422, "invalid_body");
    assert_eq!(service.titles(ann, "").await, ["ann's"]);
    assert!(service.titles(bob, "").await.is_empty());
    assert_eq!(service.number("SELECT count(*) FROM task").await, 1);
}

#[tokio::test]
async fn sql_in_every_text_is_text() {
    let service = Service::new().await;
    let (ann, bob) = (&service.ann, &service.bob);
    service.task(bob, "bob's").await;

    let (_, team) = service
        .administrate(
            &service.root,
            "POST",
            "/admin/teams",
            json!({ "name": "t" }),
        )
        .await;

    let team = team["id"].as_str().unwrap().to_owned();
    let member = format!("/admin/teams/{team}/members/{}", ann.id);
    service
        .administrate(&service.root, "PUT", &member, Value::Null)
        .await;

    for text in TEXTS {
        let (status, task) = service
            .post(ann, "/tasks", json!({ "title": text, "comment": text }))
            .await;
        assert_eq!(
            (status, &task["title"]),
            (StatusCode::CREATED, &json!(text))
        );

        let path = format!("/tasks/{}", task["id"].as_str().unwrap());
        let (_, comment) = service
            .post(ann, &format!("{path}/comments"), json!({ "text": text }))
            .await;
        assert_eq!(comment["text"], json!(text));
        assert_eq!(
            service.patch(ann, &path, json!({ "title": text })).await.1["title"],
            json!(text)
        );

        let priority = service.patch(ann, &path, json!({ "priority": text })).await;
        assert_problem(&priority, 409, "reference");

        let documents = format!("/teams/{team}/documents");
        let (_, document) = service
            .post(ann, &documents, json!({ "title": text, "text": text }))
            .await;
        assert_eq!(
            (&document["title"], &document["text"]),
            (&json!(text), &json!(text))
        );

        let query = encoded(text);
        assert_eq!(service.titles(ann, &format!("?q={query}")).await, [text]);
        assert_eq!(service.delete(ann, &path).await.0, StatusCode::NO_CONTENT);

        for path in [
            format!("/tasks/{query}"),
            format!("/tasks?limit={query}"),
            format!("/teams/{query}/documents"),
        ] {
            assert_eq!(
                service.get(ann, &path).await.0,
                StatusCode::BAD_REQUEST,
                "{path}"
            );
        }

        let login = json!({ "email": text, "password": text });
        assert_problem(
            &service
                .send(request("POST", "/login", "", "", &login))
                .await,
            401,
            "unauthenticated",
        );

        // An address or none, it is that of whoever signs up.
        let new = json!({ "email": format!("{text}@example.org"), "password": PASSWORD });
        let (status, user) = service.send(request("POST", "/users", "", "", &new)).await;
        assert_eq!(
            (status, &user["is_superuser"]),
            (StatusCode::CREATED, &json!(false)),
            "{text}"
        );

        let reason = service
            .send(request(
                "GET",
                "/admin/users",
                &service.root.token,
                text,
                &Value::Null,
            ))
            .await;

        assert_eq!(reason.0, StatusCode::OK, "{text}");
    }

    assert_eq!(service.titles(bob, "").await, ["bob's"]);

    assert_eq!(
        service
            .number("SELECT count(*) FROM \"user\" WHERE is_superuser")
            .await,
        1
    );
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn bodies_that_are_none_are_refused() {
    use axum::body::Body;
    use axum::http::{Request, header};

    let service = Service::new().await;
    let send = async |body: String, kind: &str| {
        let request = Request::post("/tasks").header(header::CONTENT_TYPE, kind);
        let request = request.header(
            header::AUTHORIZATION,
            format!("Bearer {}", service.ann.token),
        );
        service.send(request.body(Body::from(body)).unwrap()).await
    };

    assert_problem(
        &send("{".to_owned(), "application/json").await,
        400,
        "invalid_body",
    );
    assert_problem(
        &send("title=x".to_owned(), "application/x-www-form-urlencoded").await,
        415,
        "invalid_body",
    );

    let large = json!({ "title": "x", "comment": "x".repeat(70_000) }).to_string();
    assert_problem(&send(large, "application/json").await, 413, "invalid_body");
    assert_eq!(service.number("SELECT count(*) FROM task").await, 0);
}
