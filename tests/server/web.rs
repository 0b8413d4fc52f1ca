//! The extractors of the feature `axum`, in a router, by requests.

mod extractor;
mod problem;
mod transaction;

use axum::body::{Body, to_bytes};
use axum::extract::Path;
use axum::http::request::Parts;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use axum::{Json, Router};
use sea_orm::{ActiveModelTrait, EntityTrait, QueryOrder, Set};
use sea_orm_rls::axum::{
    Admin, AdminAsUser, AdminProvider, AdminReadOnly, Anonymous, ContextProvider, Problem,
    RequestDatabase, Scoped,
};
use sea_orm_rls::{AdminContext, UserContext};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::fixture::{Fixture, task};

/// The state: it believes the header `x-user`, and takes who gives a reason for an administrator.
#[derive(Clone)]
struct Service {
    database: RequestDatabase,
}

fn header_of<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
}

impl ContextProvider for Service {
    type Context = UserContext;

    fn database(&self) -> &RequestDatabase {
        &self.database
    }

    async fn context(&self, parts: &mut Parts) -> Result<Option<UserContext>, Problem> {
        match header_of(parts, "x-user") {
            None => Ok(None),
            // As a provider that forgot to look: the context of nobody is no identity.
            Some("") => Ok(Some(UserContext::new(""))),
            Some("nul") => Ok(Some(UserContext::new("a\0b"))),
            Some(user) => user
                .parse::<Uuid>()
                .map(UserContext::new)
                .map(Some)
                .map_err(|_| Problem::unauthenticated()),
        }
    }
}

impl AdminProvider for Service {
    async fn admin(&self, parts: &mut Parts) -> Result<Option<AdminContext>, Problem> {
        match (header_of(parts, "x-user"), header_of(parts, "x-reason")) {
            (Some(user), Some(reason)) => Ok(Some(AdminContext::new(user, reason)?)),
            _ => Ok(None),
        }
    }
}

async fn titles(db: &impl sea_orm::ConnectionTrait) -> Result<Json<Vec<String>>, Problem> {
    let tasks = task::Entity::find()
        .order_by_asc(task::Column::Title)
        .all(db)
        .await?;
    Ok(Json(tasks.into_iter().map(|task| task.title).collect()))
}

async fn mine(Scoped(db): Scoped) -> Result<Json<Vec<String>>, Problem> {
    titles(&db).await
}

async fn mine_or_none(db: Option<Scoped>) -> Result<Json<Vec<String>>, Problem> {
    match db {
        Some(Scoped(db)) => titles(&db).await,
        None => Ok(Json(vec!["nobody asks".to_owned()])),
    }
}

async fn of_nobody(Anonymous(db): Anonymous) -> Result<Json<Vec<String>>, Problem> {
    titles(&db).await
}

async fn all(Admin(db): Admin) -> Result<Json<Vec<String>>, Problem> {
    titles(&db).await
}

async fn looked_at(AdminReadOnly(db): AdminReadOnly) -> Result<Json<Vec<String>>, Problem> {
    titles(&db).await
}

/// A careless handler: it writes where it should look.
async fn looked_at_and_changed(AdminReadOnly(db): AdminReadOnly) -> Result<StatusCode, Problem> {
    task::Entity::delete_many().exec(&db).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A careless handler: it deletes everything, for one user.
async fn emptied(admin: AdminAsUser, Path(user): Path<Uuid>) -> Result<Json<u64>, Problem> {
    let deleted = task::Entity::delete_many()
        .exec(&admin.scope(UserContext::new(user)))
        .await?;
    Ok(Json(deleted.rows_affected))
}

/// A careless handler: every field of the body goes into the row, the owner too.
async fn create(Scoped(db): Scoped, Json(body): Json<Value>) -> Result<StatusCode, Problem> {
    let mut task = task::ActiveModel {
        id: Set(Uuid::new_v4()),
        rank: Set(1),
        ..Default::default()
    };

    task.title = Set(body["title"].as_str().unwrap_or_default().to_owned());
    if let Some(owner) = body["owner_id"]
        .as_str()
        .and_then(|owner| owner.parse().ok())
    {
        task.owner_id = Set(owner);
    }

    if let Some(id) = body["id"].as_str().and_then(|id| id.parse().ok()) {
        task.id = Set(id);
    }

    task.insert(&db).await?;
    Ok(StatusCode::CREATED)
}

/// A careless handler: it writes on behalf of nobody.
async fn create_for_nobody(Anonymous(db): Anonymous) -> Result<StatusCode, Problem> {
    crate::lane::new_task("nobody's").insert(&db).await?;
    Ok(StatusCode::CREATED)
}

fn router(fixture: &Fixture) -> Router {
    use axum::routing::{get, post};

    Router::new()
        .route("/mine", get(mine).post(create))
        .route("/mine-or-none", get(mine_or_none))
        .route("/nobody", get(of_nobody).post(create_for_nobody))
        .route("/all", get(all))
        .route("/looked-at", get(looked_at).delete(looked_at_and_changed))
        .route("/emptied/{user}", post(emptied))
        .merge(transaction::routes())
        .route("/without-layer", post(transaction::two))
        .with_state(Service {
            database: RequestDatabase::new(fixture.db.clone()),
        })
}

/// A request as `user`, with more headers.
fn request(
    method: &str,
    path: &str,
    user: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json");

    if user != "nobody" {
        request = request.header("x-user", user);
    }

    for (name, value) in headers {
        request = request.header(*name, *value);
    }

    request.body(Body::from(body.to_string())).unwrap()
}

async fn answer(response: Response) -> (StatusCode, Value) {
    let (status, body) = (
        response.status(),
        to_bytes(response.into_body(), 1 << 20).await.unwrap(),
    );
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn send(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    answer(router.clone().oneshot(request).await.unwrap()).await
}
