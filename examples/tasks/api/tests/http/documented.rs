//! The OpenAPI document: its form, and that each answer of the service is one that it names.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::fixture::{Service, assert_problem, request};

/// The document's paths that this path is one of; a literal segment counts before a parameter.
fn template<'a>(document: &'a Value, path: &str) -> Option<(&'a String, &'a Value)> {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<_> = path.split('/').collect();
    let is_parameter = |part: &str| part.starts_with('{');

    let fits = |template: &str| {
        let template: Vec<_> = template.split('/').collect();
        template.len() == parts.len()
            && template
                .iter()
                .zip(&parts)
                .all(|(known, part)| known == part || is_parameter(known) && !part.is_empty())
    };
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .filter(|(template, _)| fits(template))
        .min_by_key(|(template, _)| {
            template
                .split('/')
                .filter(|part| is_parameter(part))
                .count()
        })
}

/// That the document names this answer, and that a problem is one. Every test that sends a request
/// calls it.
#[track_caller]
pub fn assert_documented(document: &Value, method: &Method, path: &str, answer: &Response) {
    let status = answer.status();
    let kind = answer.headers().get(header::CONTENT_TYPE);
    if status.as_u16() >= 400 && *method != Method::HEAD {
        let kind = kind.and_then(|kind| kind.to_str().ok());
        assert_eq!(
            kind,
            Some("application/problem+json"),
            "{method} {path}: {status}"
        );
    }

    let operation = template(document, path).map(|(_, path)| &path[method.as_str().to_lowercase()]);
    match operation {
        Some(Value::Object(operation)) => assert!(
            operation["responses"][status.as_str()].is_object(),
            "{method} {path}: {status} is not documented"
        ),
        Some(_) if *method == Method::HEAD => {}
        Some(_) => assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}"),
        None if path == "/openapi.json" => {}
        None => assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}"),
    }
}

async fn document(service: &Service) -> Value {
    service
        .send(request("GET", "/openapi.json", "", "", &Value::Null))
        .await
        .1
}

/// Everything of this name, at any depth.
fn all<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get(name));
            object.values().for_each(|value| all(value, name, found));
        }
        Value::Array(list) => list.iter().for_each(|value| all(value, name, found)),
        _ => {}
    }
}

/// What OpenAPI 3.1 asks of operations, beyond what utoipa's types make sure of.
#[tokio::test]
async fn document_is_whole() {
    let document = document(&Service::new().await).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));

    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{name}: the id {id} is another's");

            let none = Vec::new();
            let parameters = operation["parameters"].as_array().unwrap_or(&none);
            let in_path: BTreeSet<_> = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let in_template: BTreeSet<_> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            assert_eq!(in_path, in_template, "{name}");

            for (status, answer) in operation["responses"].as_object().unwrap() {
                assert_ne!(answer["description"], json!(""), "{name}: {status}");
                let problem = &answer["content"]["application/problem+json"]["schema"]["$ref"];
                let is_problem = status.as_str() >= "400";
                assert_eq!(
                    *problem == "#/components/schemas/Problem",
                    is_problem,
                    "{name}: {status}"
                );
            }
        }
    }

    let mut references = Vec::new();
    all(&document, "$ref", &mut references);
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_a_problem() {
    let service = Service::new().await;
    let ann = &service.ann;

    for (method, path, status, code) in [
        ("GET", "/tasks/no-uuid", 400, "invalid_path"),
        ("GET", "/tasks?limit=many", 400, "invalid_query"),
        ("GET", "/tasks?mine=perhaps", 400, "invalid_query"),
        ("POST", "/tasks", 422, "invalid_body"),
        ("PUT", "/tasks", 405, "method_not_allowed"),
        ("GET", "/nowhere", 404, "not_found"),
    ] {
        let answer = service
            .send(request(method, path, &ann.token, "", &json!({})))
            .await;
        assert_problem(&answer, status, code);
    }
}

/// FAULTS D: such a token listed what others share.
#[tokio::test]
async fn token_of_a_deleted_user_reads_nothing() {
    let service = Service::new().await;
    let (ann, bob) = (&service.ann, &service.bob);
    let path = format!("/tasks/{}", service.task(ann, "street party").await);
    service
        .patch(ann, &path, json!({ "is_shared": true }))
        .await;
    assert_eq!(service.titles(bob, "").await, ["street party"]);

    assert_eq!(service.delete(bob, "/me").await.0, StatusCode::NO_CONTENT);
    for path in ["/tasks", &path, "/me"] {
        assert_problem(&service.get(bob, path).await, 401, "unauthenticated");
    }
}

/// FAULTS D: `null` was as if nothing was said.
#[tokio::test]
async fn due_time_is_taken_away() {
    let service = Service::new().await;
    let ann = &service.ann;
    let path = format!("/tasks/{}", service.task(ann, "roof").await);

    let due = json!("2030-01-01T00:00:00Z");
    for (said, then) in [
        (json!({ "due_at": due }), &due),
        (json!({ "is_done": true }), &due),
        (json!({ "due_at": null }), &Value::Null),
    ] {
        let (status, task) = service.patch(ann, &path, said).await;
        assert_eq!((status, &task["due_at"]), (StatusCode::OK, then));
    }
}
