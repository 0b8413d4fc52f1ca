use axum::http::{StatusCode, header};
use sea_orm::{ActiveModelTrait, EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{answer, request, router, send};
use crate::admin::recorded;
use crate::fixture::{Fixture, task};
use crate::lane::new_task;

async fn fixture() -> Fixture {
    let fixture = Fixture::new(2).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();
    new_task("bob's").insert(&fixture.bob()).await.unwrap();

    fixture
}

#[tokio::test]
async fn handler_sees_the_rows_of_whose_request_it_is() {
    let fixture = fixture().await;
    let router = router(&fixture);

    for (user, titles) in [
        (fixture.ann, json!(["ann's"])),
        (fixture.bob, json!(["bob's"])),
    ] {
        for path in ["/mine", "/mine-or-none"] {
            let answered = send(
                &router,
                request("GET", path, &user.to_string(), &[], &Value::Null),
            )
            .await;
            assert_eq!(answered, (StatusCode::OK, titles.clone()));
        }

        let answered = send(
            &router,
            request("GET", "/nobody", &user.to_string(), &[], &Value::Null),
        )
        .await;

        assert_eq!(
            answered,
            (StatusCode::OK, json!([])),
            "an anonymous connection is nobody's, whoever asks"
        );
    }
}

#[tokio::test]
async fn request_without_identity_is_unauthenticated() {
    let fixture = fixture().await;
    let router = router(&fixture);

    for user in ["nobody", "", "nul", "no uuid"] {
        let response = router
            .clone()
            .oneshot(request("GET", "/mine", user, &[], &Value::Null))
            .await
            .unwrap();

        assert_eq!(
            response.headers()[header::WWW_AUTHENTICATE],
            "Bearer",
            "{user:?}"
        );
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );

        let (status, body) = answer(response).await;

        assert_eq!(
            (status, &body["code"]),
            (StatusCode::UNAUTHORIZED, &json!("unauthenticated")),
            "{user:?}"
        );
    }

    for (user, expected) in [
        ("nobody", StatusCode::OK),
        ("", StatusCode::OK),
        ("no uuid", StatusCode::UNAUTHORIZED),
    ] {
        let (status, _) = send(
            &router,
            request("GET", "/mine-or-none", user, &[], &Value::Null),
        )
        .await;

        assert_eq!(
            status, expected,
            "{user:?}: one that cannot be proved is not taken for none"
        );
    }
}

#[tokio::test]
async fn administrator_needs_the_applications_word_and_a_reason() {
    let fixture = fixture().await;
    let router = router(&fixture);
    let ann = fixture.ann.to_string();
    let all = send(
        &router,
        request(
            "GET",
            "/all",
            &ann,
            &[("x-reason", "ticket 7")],
            &Value::Null,
        ),
    )
    .await;

    assert_eq!(all, (StatusCode::OK, json!(["ann's", "bob's"])));
    for (headers, status, code) in [
        (vec![], StatusCode::FORBIDDEN, "not_administrator"),
        (
            vec![("x-reason", "  ")],
            StatusCode::BAD_REQUEST,
            "reason_required",
        ),
    ] {
        let (answered, body) = send(
            &router,
            request("GET", "/all", &ann, &headers, &Value::Null),
        )
        .await;
        assert_eq!((answered, &body["code"]), (status, &json!(code)));
    }

    let own = send(
        &router,
        request(
            "GET",
            "/mine",
            &ann,
            &[("x-reason", "ticket 7")],
            &Value::Null,
        ),
    )
    .await;

    assert_eq!(
        own.1,
        json!(["ann's"]),
        "the same user's other requests are theirs"
    );
}

#[tokio::test]
async fn administrator_who_only_reads_and_one_who_acts_for_a_user_reach_no_more() {
    let fixture = fixture().await;
    let router = router(&fixture);
    let ann = fixture.ann.to_string();
    let reason = [("x-reason", "ticket 7")];
    let looked = send(
        &router,
        request("GET", "/looked-at", &ann, &reason, &Value::Null),
    )
    .await;

    assert_eq!(looked, (StatusCode::OK, json!(["ann's", "bob's"])));

    let (status, body) = send(
        &router,
        request("DELETE", "/looked-at", &ann, &reason, &Value::Null),
    )
    .await;

    assert_eq!(
        (status, &body["code"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal"))
    );

    let path = format!("/emptied/{}", fixture.bob);
    for path in ["/looked-at", &path] {
        let method = if path == "/looked-at" { "GET" } else { "POST" };
        let (status, body) = send(&router, request(method, path, &ann, &[], &Value::Null)).await;

        assert_eq!(
            (status, &body["code"]),
            (StatusCode::FORBIDDEN, &json!("not_administrator")),
            "{path}"
        );
    }

    assert_eq!(
        task::Entity::find().count(&fixture.admin()).await.unwrap(),
        2
    );

    let emptied = send(&router, request("POST", &path, &ann, &reason, &Value::Null)).await;
    assert_eq!(emptied, (StatusCode::OK, json!(1)));

    let all = send(&router, request("GET", "/all", &ann, &reason, &Value::Null)).await;
    assert_eq!(all.1, json!(["ann's"]));

    let recorded = recorded(&fixture).await;

    assert!(
        recorded
            .iter()
            .any(|row| row.actor == ann && row.on_behalf_of.is_some()),
        "{recorded:?}"
    );
}

#[tokio::test]
async fn owner_that_a_careless_handler_takes_from_the_body_is_refused() {
    let fixture = fixture().await;
    let router = router(&fixture);
    let ann = fixture.ann.to_string();
    let own = json!({ "title": "own" });

    assert_eq!(
        send(&router, request("POST", "/mine", &ann, &[], &own))
            .await
            .0,
        StatusCode::CREATED
    );

    let forged = json!({ "title": "forged", "owner_id": fixture.bob });
    let (status, body) = send(&router, request("POST", "/mine", &ann, &[], &forged)).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::FORBIDDEN, &json!("not_yours"))
    );

    let (status, body) = send(&router, request("POST", "/nobody", &ann, &[], &Value::Null)).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::UNAUTHORIZED, &json!("unauthenticated"))
    );

    assert_eq!(
        task::Entity::find().count(&fixture.admin()).await.unwrap(),
        3
    );
}
