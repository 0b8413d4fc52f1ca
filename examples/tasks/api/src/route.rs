//! The routes, and the document that describes them.

mod account;
mod admin;
mod comment;
mod document;
mod health;
mod priority;
mod search;
pub mod task;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router};
use sea_orm_rls::axum::RequestTransactionLayer;
use serde::Serialize;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// No text here is longer.
pub const LARGEST_BODY: usize = 64 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(title = "Tasks", description = "Tasks of users whom PostgreSQL keeps apart."),
    modifiers(&Security),
    components(schemas(ProblemDocument)),
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();

        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// What every answer of 400 and above says, as `application/problem+json`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
struct ProblemDocument {
    #[schema(example = "Not Found")]
    title: String,
    #[schema(example = 404)]
    status: u16,
    /// Stable; what a client decides by.
    #[schema(example = "not_found")]
    code: String,
    detail: String,
}

/// The service.
pub fn router(app: App) -> Router {
    let (router, document) = described().split_for_parts();
    router
        .route(
            "/openapi.json",
            get(move || std::future::ready(Json(document))),
        )
        .layer(RequestTransactionLayer::new().read_only_for_safe_methods())
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(app)
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::health))
        .routes(routes!(account::sign_up))
        .routes(routes!(account::login))
        .routes(routes!(account::me, account::leave))
        .routes(routes!(priority::list))
        .routes(routes!(task::list, task::create))
        .routes(routes!(task::read, task::change, task::delete))
        .routes(routes!(comment::list, comment::create))
        .routes(routes!(document::teams))
        .routes(routes!(document::list, document::create))
        .routes(routes!(document::change, document::delete))
        .routes(routes!(admin::users))
        .routes(routes!(admin::remove_user))
        .routes(routes!(admin::tasks_of_user))
        .routes(routes!(admin::remove_done_tasks_of_user))
        .routes(routes!(admin::audit))
        .routes(routes!(admin::tasks))
        .routes(routes!(admin::task, admin::change_task, admin::remove_task))
        .routes(routes!(admin::make_team))
        .routes(routes!(admin::add_member, admin::remove_member))
}
