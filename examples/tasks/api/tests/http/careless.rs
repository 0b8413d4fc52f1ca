//! What if handlers forgot every `WHERE`? Those of the service say nowhere whose rows they mean,
//! and here are some that do not even say which: the same people, tokens, extractors and entities.

use std::fmt::Debug;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, Set};
use sea_orm_rls::axum::{Problem, RequestTransaction, RequestTransactionLayer, Scoped};
use serde_json::{Value, json};
use tasks_api::app::App;
use tasks_entity::{comment, credential, document, membership, task, team, user};
use tower::ServiceExt;
use uuid::Uuid;

use crate::fixture::{Answer, Person, Service, assert_problem, request};

async fn all<E>(Scoped(db): Scoped) -> Result<Json<Vec<String>>, Problem>
where
    E: EntityTrait<Model: Debug>,
{
    Ok(Json(
        E::find()
            .all(&db)
            .await?
            .iter()
            .map(|row| format!("{row:?}"))
            .collect(),
    ))
}

async fn delete_all<E: EntityTrait>(
    RequestTransaction(db): RequestTransaction,
) -> Result<Json<u64>, Problem> {
    Ok(Json(E::delete_many().exec(&*db).await?.rows_affected))
}

/// Writes one text into one column of every row.
async fn overwrite(db: &impl sea_orm::ConnectionTrait, table: &str) -> Result<Json<u64>, Problem> {
    let (taken, exec) = (Expr::value("taken"), db);
    let changed = match table {
        "task" => {
            task::Entity::update_many()
                .col_expr(task::Column::Title, taken)
                .exec(exec)
                .await?
        }
        "comment" => {
            comment::Entity::update_many()
                .col_expr(comment::Column::Text, taken)
                .exec(exec)
                .await?
        }
        "document" => {
            document::Entity::update_many()
                .col_expr(document::Column::Text, taken)
                .exec(exec)
                .await?
        }
        "credential" => {
            credential::Entity::update_many()
                .col_expr(credential::Column::PasswordHash, taken)
                .exec(exec)
                .await?
        }
        other => panic!("{other}"),
    };

    Ok(Json(changed.rows_affected))
}

async fn overwrite_all(
    Scoped(db): Scoped,
    Path(table): Path<String>,
) -> Result<Json<u64>, Problem> {
    overwrite(&db, &table).await
}

/// Whatever the body says, the owner too; over what is there.
async fn upsert(Scoped(db): Scoped, Json(body): Json<Value>) -> Result<StatusCode, Problem> {
    let id = |key: &str| body[key].as_str().unwrap().parse::<Uuid>().unwrap();
    let task = task::ActiveModel {
        id: Set(id("id")),
        owner_id: Set(id("owner_id")),
        title: Set("taken".to_owned()),
        ..Default::default()
    };

    let over = OnConflict::column(task::Column::Id)
        .update_columns([task::Column::Title, task::Column::OwnerId])
        .to_owned();
    task::Entity::insert(task)
        .on_conflict(over)
        .exec(&db)
        .await?;

    Ok(StatusCode::CREATED)
}

/// The rows as they come are given to someone.
async fn give_all_to(Scoped(db): Scoped, Path(whom): Path<Uuid>) -> Result<StatusCode, Problem> {
    for task in task::Entity::find().all(&db).await? {
        let mut task = task.into_active_model();
        task.owner_id = Set(whom);
        task.update(&db).await?;
    }

    Ok(StatusCode::OK)
}

fn router(app: App) -> Router {
    fn of<E: EntityTrait<Model: Debug> + 'static>() -> axum::routing::MethodRouter<App> {
        get(all::<E>).delete(delete_all::<E>)
    }

    Router::new()
        .route("/task", of::<task::Entity>().put(upsert))
        .route("/comment", of::<comment::Entity>())
        .route("/document", of::<document::Entity>())
        .route("/credential", of::<credential::Entity>())
        .route("/user", of::<user::Entity>())
        .route("/team", of::<team::Entity>())
        .route("/membership", of::<membership::Entity>())
        .route("/overwrite/{table}", post(overwrite_all))
        .route("/give/{whom}", post(give_all_to))
        .layer(RequestTransactionLayer::new())
        .with_state(app)
}

/// Ann and Bob with a task, a comment, and a team with a document each, all of which say whose they
/// are.
async fn service() -> Service {
    let service = Service::new().await;
    for (who, name) in [(&service.ann, "ann"), (&service.bob, "bob")] {
        service
            .post(who, "/tasks", json!({ "title": name, "comment": name }))
            .await;

        let (_, team) = service
            .administrate(
                &service.root,
                "POST",
                "/admin/teams",
                json!({ "name": name }),
            )
            .await;

        let team = team["id"].as_str().unwrap();
        let member = format!("/admin/teams/{team}/members/{}", who.id);
        service
            .administrate(&service.root, "PUT", &member, Value::Null)
            .await;

        let (status, document) = service
            .post(
                who,
                &format!("/teams/{team}/documents"),
                json!({ "title": name, "text": name }),
            )
            .await;

        assert_eq!(status, StatusCode::CREATED, "{document}");
    }

    service
}

async fn send(service: &Service, who: &Person, method: &str, path: &str, body: &Value) -> Answer {
    let response = router(service.app.clone())
        .oneshot(request(method, path, &who.token, "", body))
        .await
        .unwrap();

    let (status, body) = (
        response.status(),
        axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap(),
    );

    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// All that is Ann's, as the migrations' login reads it.
async fn anns(service: &Service) -> i64 {
    let ann = service.ann.id;
    let rows = format!(
        "SELECT (SELECT count(*) FROM task WHERE title = 'ann' AND owner_id = '{ann}')
              + (SELECT count(*) FROM comment WHERE text = 'ann') + (SELECT count(*) FROM document \
              WHERE text = 'ann')
              + (SELECT count(*) FROM team WHERE name = 'ann')
              + (SELECT count(*) FROM membership WHERE user_id = '{ann}')
              + (SELECT count(*) FROM credential WHERE user_id = '{ann}' AND password_hash LIKE \
              '$argon2id$%')
              + (SELECT count(*) FROM \"user\" WHERE id = '{ann}')"
    );

    service.number(&rows).await
}

#[tokio::test]
async fn handlers_that_ask_for_everything_are_given_ones_own() {
    let service = service().await;
    for table in [
        "task",
        "comment",
        "document",
        "credential",
        "user",
        "team",
        "membership",
    ] {
        let (status, rows) = send(
            &service,
            &service.bob,
            "GET",
            &format!("/{table}"),
            &Value::Null,
        )
        .await;

        let rows = rows.as_array().unwrap();
        assert_eq!(
            (status, rows.len()),
            (StatusCode::OK, 1),
            "{table}: {rows:?}"
        );

        let row = rows[0].as_str().unwrap();
        assert!(
            row.contains("bob") || row.contains(&service.bob.id.to_string()),
            "{table}: {row}"
        );
        assert_problem(
            &service
                .send(request("GET", "/tasks", "", "", &Value::Null))
                .await,
            401,
            "unauthenticated",
        );

        let there = format!("SELECT count(*) FROM \"{table}\"");
        assert!(service.number(&there).await >= 2, "{table} holds Ann's too");
    }
}

#[tokio::test]
async fn handlers_that_write_and_delete_everything_reach_ones_own() {
    let service = service().await;
    assert_eq!(anns(&service).await, 7);

    let bob = &service.bob;
    for table in ["task", "comment", "document", "credential"] {
        let changed = send(
            &service,
            bob,
            "POST",
            &format!("/overwrite/{table}"),
            &Value::Null,
        )
        .await;

        assert_eq!(changed, (StatusCode::OK, json!(1)), "{table}");
    }

    for table in ["team", "membership"] {
        let refused = send(&service, bob, "DELETE", &format!("/{table}"), &Value::Null).await;
        assert_problem(&refused, 403, "not_granted");
    }

    for table in ["comment", "document", "task", "credential", "user"] {
        let deleted = send(&service, bob, "DELETE", &format!("/{table}"), &Value::Null).await;
        assert_eq!(deleted, (StatusCode::OK, json!(1)), "{table}");
        assert_eq!(anns(&service).await, 7, "{table}");
    }
}

#[tokio::test]
async fn handlers_that_believe_the_body_are_refused() {
    let service = service().await;
    let (ann, bob) = (&service.ann, &service.bob);
    let (_, page) = service.get(ann, "/tasks").await;
    let hers = &page["items"][0]["id"];

    for (id, owner) in [
        (hers, bob.id),
        (hers, ann.id),
        (&json!(Uuid::new_v4()), ann.id),
    ] {
        let body = json!({ "id": id, "owner_id": owner });
        assert_problem(
            &send(&service, bob, "PUT", "/task", &body).await,
            403,
            "not_yours",
        );
    }

    let own = json!({ "id": Uuid::new_v4(), "owner_id": bob.id });
    assert_eq!(
        send(&service, bob, "PUT", "/task", &own).await.0,
        StatusCode::CREATED
    );

    let given = send(
        &service,
        bob,
        "POST",
        &format!("/give/{}", ann.id),
        &Value::Null,
    )
    .await;

    assert_problem(&given, 403, "not_yours");
    assert_eq!(anns(&service).await, 7);
    assert_eq!(service.titles(ann, "").await, ["ann"]);
}

/// Whether the condition of a statement names a column that says whose a row is.
fn says_whose(sql: &str) -> bool {
    let condition = sql
        .split_once(" WHERE ")
        .map_or("", |(_, condition)| condition);
    let condition = condition.split(" RETURNING ").next().unwrap_or_default();
    condition.contains("owner_id") || condition.contains("user_id")
}

#[tokio::test]
async fn no_statement_of_the_service_says_whose_rows_it_means() {
    let service = service().await;
    service.statements();

    let bob = &service.bob;
    let (_, page) = service.get(bob, "/tasks?q=o").await;
    let task = format!("/tasks/{}", page["items"][0]["id"].as_str().unwrap());
    let (_, teams) = service.get(bob, "/teams").await;
    let documents = format!("/teams/{}/documents", teams[0]["id"].as_str().unwrap());
    let (_, list) = service.get(bob, &documents).await;
    let document = format!("/documents/{}", list[0]["id"].as_str().unwrap());
    let comments = format!("{task}/comments");

    for (method, path, body) in [
        ("GET", "/me", Value::Null),
        ("POST", "/tasks", json!({ "title": "t", "comment": "c" })),
        ("GET", &task, Value::Null),
        ("PATCH", &task, json!({ "is_shared": true })),
        ("GET", &comments, Value::Null),
        ("POST", &comments, json!({ "text": "c" })),
        ("POST", &documents, json!({ "title": "t", "text": "t" })),
        ("PUT", &document, json!({ "title": "t", "text": "t" })),
        ("DELETE", &document, Value::Null),
        ("DELETE", &task, Value::Null),
        ("DELETE", "/me", Value::Null),
    ] {
        let (status, answer) = service
            .send(request(method, path, &bob.token, "", &body))
            .await;
        assert!(status.is_success(), "{method} {path}: {answer}");
    }

    let sent = service.statements();
    for table in ["task", "comment", "document", "team", "user"] {
        assert!(
            sent.iter().any(|sql| sql.contains(&format!("\"{table}\""))),
            "{table}: {sent:#?}"
        );
    }

    for sql in &sent {
        assert!(!says_whose(sql), "{sql}");
    }

    // It would be seen: a list of one's own, without those that others share, is asked for by
    // owner.
    service.get(&service.ann, "/tasks?mine=true").await;
    let mut sent = service.statements();
    sent.retain(|sql| sql.contains("\"task\""));
    assert_eq!(sent.len(), 2, "{sent:#?}");
    assert!(sent.iter().all(|sql| says_whose(sql)));
}
