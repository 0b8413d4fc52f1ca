use axum::http::StatusCode;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Set,
};
use sea_orm_rls::{RlsError, UserContext};
use serde_json::{Value, json};
use tasks_entity::credential::{self, LoginContext};
use tasks_entity::user;

use crate::fixture::{PASSWORD, Service, assert_problem, request};

async fn login(service: &Service, email: &str, password: &str) -> (StatusCode, Value) {
    service
        .send(request(
            "POST",
            "/login",
            "",
            "",
            &json!({ "email": email, "password": password }),
        ))
        .await
}

#[tokio::test]
async fn user_signs_up_logs_in_and_is_known() {
    let service = Service::new().await;
    let new = json!({ "email": " Carol@Example.org ", "password": PASSWORD });
    let (status, carol) = service.send(request("POST", "/users", "", "", &new)).await;

    assert_eq!(
        (status, &carol["email"]),
        (StatusCode::CREATED, &json!("carol@example.org"))
    );
    assert_eq!(carol["is_superuser"], json!(false));

    let again = service.send(request("POST", "/users", "", "", &new)).await;
    assert_problem(&again, 409, "already_exists");

    let (status, token) = login(&service, "CAROL@example.org", PASSWORD).await;
    assert_eq!(status, StatusCode::OK, "{token}");

    let me = service
        .send(request(
            "GET",
            "/me",
            token["token"].as_str().unwrap(),
            "",
            &Value::Null,
        ))
        .await;

    assert_eq!(me, (StatusCode::OK, carol));
}

#[tokio::test]
async fn wrong_login_tells_nothing() {
    let service = Service::new().await;
    let wrong = login(&service, &service.ann.email, "not hers at all").await;
    assert_problem(&wrong, 401, "unauthenticated");

    let empty = String::new();
    let long = "x".repeat(300);

    for (email, password) in [
        ("nobody@example.org", PASSWORD),
        (&service.ann.email, &empty),
        (&service.ann.email, &long),
        ("ann@example.org' OR '1'='1", PASSWORD),
        ("ann@example.org\u{0}", PASSWORD),
        ("%@example.org", PASSWORD),
        ("no address", PASSWORD),
    ] {
        assert_eq!(login(&service, email, password).await, wrong, "{email:?}");
    }
}

#[tokio::test]
async fn sign_up_refuses_what_is_no_address_and_short_passwords() {
    let service = Service::new().await;
    for (email, password, code) in [
        ("ann", PASSWORD, "invalid_email"),
        ("@example.org", PASSWORD, "invalid_email"),
        ("a\u{0}@example.org", PASSWORD, "invalid_email"),
        ("dave@example.org", "short", "invalid_password"),
    ] {
        let new = json!({ "email": email, "password": password });
        assert_problem(
            &service.send(request("POST", "/users", "", "", &new)).await,
            422,
            code,
        );
    }

    let forged = json!({ "email": "dave@example.org", "password": PASSWORD, "is_superuser": true });
    assert_problem(
        &service
            .send(request("POST", "/users", "", "", &forged))
            .await,
        422,
        "invalid_body",
    );
    assert_eq!(service.number("SELECT count(*) FROM \"user\"").await, 3);
}

#[tokio::test]
async fn user_who_leaves_takes_everything_along() {
    let service = Service::new().await;
    let new = json!({ "title": "ann's", "comment": "hers" });
    service.post(&service.ann, "/tasks", new.clone()).await;
    service.post(&service.bob, "/tasks", new).await;
    assert_eq!(
        service.delete(&service.ann, "/me").await.0,
        StatusCode::NO_CONTENT
    );

    for table in ["task", "comment"] {
        assert_eq!(
            service
                .number(&format!("SELECT count(*) FROM {table}"))
                .await,
            1,
            "{table}: Bob's stays"
        );
    }

    assert_eq!(service.number("SELECT count(*) FROM credential").await, 2);

    // The token has not expired, and is nobody's.
    for path in ["/me", "/tasks"] {
        let answer = service.get(&service.ann, path).await;
        assert_problem(&answer, 401, "unauthenticated");
    }

    let late = service
        .post(&service.ann, "/tasks", json!({ "title": "late" }))
        .await;
    assert_problem(&late, 409, "reference");

    assert_problem(
        &login(&service, &service.ann.email, PASSWORD).await,
        401,
        "unauthenticated",
    );
}

#[tokio::test]
async fn hash_is_read_by_its_owner_and_by_who_names_the_address() {
    let service = Service::new().await;
    let hashes = credential::Entity::find;
    assert_eq!(hashes().count(&service.admin()).await.unwrap(), 3);
    assert_eq!(hashes().count(&service.db.anonymous()).await.unwrap(), 0);

    let ann = service.db.scope(UserContext::new(service.ann.id));
    let own = hashes().all(&ann).await.unwrap();
    assert!(own.len() == 1 && own[0].user_id == service.ann.id);

    let logs_in = service.db.scope(LoginContext {
        email: &service.bob.email,
    });
    let named = hashes().all(&logs_in).await.unwrap();
    assert!(named.len() == 1 && named[0].user_id == service.bob.id);

    // It opens that row for reading, and nothing else.
    assert_eq!(user::Entity::find().count(&logs_in).await.unwrap(), 0);

    let taken = credential::Entity::update_many()
        .col_expr(credential::Column::PasswordHash, "taken".into())
        .exec(&logs_in)
        .await
        .unwrap();

    assert_eq!(taken.rows_affected, 0);
}

#[tokio::test]
async fn no_statement_of_the_application_makes_a_superuser() {
    let service = Service::new().await;
    let ann = service.db.scope(UserContext::new(service.ann.id));
    let promoted = user::ActiveModel {
        id: Set(service.ann.id),
        is_superuser: Set(true),
        ..Default::default()
    };

    let refused = promoted.update(&ann).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::PolicyRefused { .. }),
        "{refused}"
    );

    let raw = ann
        .execute_unprepared("UPDATE \"user\" SET is_superuser = true")
        .await
        .unwrap_err();

    assert!(
        matches!(RlsError::from(&raw), RlsError::PolicyRefused { .. }),
        "{raw}"
    );

    let superusers = user::Entity::find()
        .filter(user::Column::IsSuperuser.eq(true))
        .all(&service.admin())
        .await
        .unwrap();

    assert!(superusers.len() == 1 && superusers[0].id == service.root.id);
}
