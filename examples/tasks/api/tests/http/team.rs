use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, Set};
use sea_orm_rls::{RlsError, UserContext};
use serde_json::{Value, json};
use tasks_entity::membership;
use uuid::Uuid;

use crate::fixture::{Service, assert_problem};

/// A team of Ann's, with a document.
async fn team(service: &Service) -> (String, String) {
    let (status, team) = service
        .administrate(
            &service.root,
            "POST",
            "/admin/teams",
            json!({ "name": "garden" }),
        )
        .await;

    assert_eq!(status, StatusCode::CREATED, "{team}");

    let id = team["id"].as_str().unwrap().to_owned();
    assert_eq!(
        member(service, "PUT", &id, service.ann.id).await,
        StatusCode::NO_CONTENT
    );

    let new = json!({ "title": "plan", "text": "tomatoes" });
    let (status, document) = service
        .post(&service.ann, &format!("/teams/{id}/documents"), new)
        .await;
    assert_eq!(status, StatusCode::CREATED, "{document}");

    (id, document["id"].as_str().unwrap().to_owned())
}

async fn member(service: &Service, method: &str, team: &str, user: Uuid) -> StatusCode {
    let path = format!("/admin/teams/{team}/members/{user}");
    service
        .administrate(&service.root, method, &path, Value::Null)
        .await
        .0
}

#[tokio::test]
async fn members_share_documents_for_as_long_as_they_are_members() {
    let service = Service::new().await;
    let (team, document) = team(&service).await;
    let (documents, path) = (
        format!("/teams/{team}/documents"),
        format!("/documents/{document}"),
    );

    let other = json!({ "title": "plan", "text": "weeds" });
    let put = async |who| {
        service
            .send(crate::fixture::request("PUT", &path, who, "", &other))
            .await
    };

    assert_eq!(service.get(&service.bob, "/teams").await.1, json!([]));
    assert_eq!(service.get(&service.bob, &documents).await.1, json!([]));
    assert_problem(&put(&service.bob.token).await, 404, "not_found");
    assert_problem(&service.delete(&service.bob, &path).await, 404, "not_found");
    assert_problem(
        &service.post(&service.bob, &documents, other.clone()).await,
        403,
        "not_yours",
    );

    assert_eq!(
        member(&service, "PUT", &team, service.bob.id).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        service.get(&service.bob, "/teams").await.1[0]["name"],
        json!("garden")
    );
    assert_eq!(put(&service.bob.token).await.0, StatusCode::OK);
    assert_eq!(
        service.get(&service.ann, &documents).await.1[0]["text"],
        json!("weeds")
    );

    assert_eq!(
        member(&service, "DELETE", &team, service.bob.id).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(service.get(&service.bob, &documents).await.1, json!([]));
    assert_problem(&put(&service.bob.token).await, 404, "not_found");
}

#[tokio::test]
async fn nobody_makes_themselves_a_member() {
    let service = Service::new().await;
    let (team, _) = team(&service).await;
    let path = format!("/admin/teams/{team}/members/{}", service.bob.id);
    let refused = service
        .administrate(&service.bob, "PUT", &path, Value::Null)
        .await;

    assert_problem(&refused, 403, "not_administrator");

    // Nor would a handler that tried.
    let own = membership::ActiveModel {
        team_id: Set(team.parse().unwrap()),
        user_id: Set(service.bob.id),
    };

    let refused = own
        .insert(&service.db.scope(UserContext::new(service.bob.id)))
        .await
        .unwrap_err();

    assert!(
        matches!(RlsError::from(&refused), RlsError::MissingGrant { .. }),
        "{refused}"
    );
}
