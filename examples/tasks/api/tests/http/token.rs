use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::{Request, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tasks_api::token::Tokens;

use crate::fixture::{SECRET, Service, assert_problem, request};

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn signed(claims: &Value, secret: &[u8]) -> String {
    encode(
        &Header::new(Algorithm::HS256),
        claims,
        &EncodingKey::from_secret(secret),
    )
    .unwrap()
}

/// The same token with another part, dots between.
fn with_part(token: &str, at: usize, part: &str) -> String {
    let mut parts: Vec<_> = token.split('.').collect();
    parts[at] = part;
    parts.join(".")
}

#[tokio::test]
async fn missing_expired_and_forged_tokens_are_nobody() {
    let service = Service::new().await;
    service.task(&service.ann, "ann's").await;

    let ann = &service.ann;
    let bob = Tokens::new(SECRET).issue(service.bob.id).unwrap();
    let parts: Vec<_> = bob.split('.').collect();
    let hour = now() + 3600;

    // {"alg":"none","typ":"JWT"} and {"alg":"HS512","typ":"JWT"}
    let (none, hs512) = (
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0",
        "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9",
    );

    let tokens = [
        (
            "expired",
            signed(&json!({ "sub": ann.id, "exp": now() - 1 }), SECRET),
        ),
        ("without an end", signed(&json!({ "sub": ann.id }), SECRET)),
        (
            "with an end that is no number",
            signed(&json!({ "sub": ann.id, "exp": "never" }), SECRET),
        ),
        ("of nobody", signed(&json!({ "exp": hour }), SECRET)),
        (
            "of an empty user",
            signed(&json!({ "sub": "", "exp": hour }), SECRET),
        ),
        (
            "of a user that is SQL",
            signed(&json!({ "sub": "' OR true --", "exp": hour }), SECRET),
        ),
        (
            "signed with another secret",
            signed(&json!({ "sub": ann.id, "exp": hour }), b"another"),
        ),
        (
            "signed with no secret",
            signed(&json!({ "sub": ann.id, "exp": hour }), b""),
        ),
        (
            "of algorithm none",
            with_part(&with_part(&ann.token, 0, none), 2, ""),
        ),
        ("of another algorithm", with_part(&ann.token, 0, hs512)),
        (
            "with another's signature",
            with_part(&ann.token, 2, parts[2]),
        ),
        ("with another's claims", with_part(&ann.token, 1, parts[1])),
        ("cut short", ann.token[..ann.token.len() - 4].to_owned()),
        ("of one part", "token".to_owned()),
    ];

    for (kind, token) in &tokens {
        for (method, path) in [
            ("GET", "/tasks"),
            ("POST", "/tasks"),
            ("GET", "/me"),
            ("DELETE", "/me"),
        ] {
            let answer = service
                .send(request(method, path, token, "", &json!({ "title": "x" })))
                .await;
            assert_eq!(
                answer.1["code"], "unauthenticated",
                "{kind}: {method} {path}: {answer:?}"
            );
        }
    }

    for path in [
        "/tasks",
        "/me",
        "/teams",
        "/tasks/00000000-0000-0000-0000-000000000000",
    ] {
        assert_problem(
            &service
                .send(request("GET", path, "", "", &Value::Null))
                .await,
            401,
            "unauthenticated",
        );
    }

    assert_eq!(
        service.titles(ann, "").await,
        ["ann's"],
        "a token of hers that is in order shows hers"
    );
}

#[tokio::test]
async fn other_schemes_of_authorization_are_nobody() {
    let service = Service::new().await;
    for value in [
        "",
        "Bearer",
        "Basic YW5uOnB3",
        "bearer",
        &service.ann.token,
        &format!("Bearer  {}", service.ann.token),
    ] {
        let request = Request::get("/tasks")
            .header(header::AUTHORIZATION, value)
            .body(Body::empty())
            .unwrap();
        assert_problem(&service.send(request).await, 401, "unauthenticated");
    }
}
