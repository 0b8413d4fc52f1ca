//! The routes, and the document that describes them.

mod account;
mod admin;
mod comment;
mod document;
mod health;
mod openapi;
mod priority;
mod search;
pub mod task;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router};
use sea_orm_rls::axum::RequestTransactionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::argument::{no_method, no_route};

/// No text here is longer.
pub const LARGEST_BODY: usize = 64 * 1024;

/// The service.
pub fn router(app: App) -> Router {
    let (router, mut document) = described().split_for_parts();
    openapi::complete(&mut document);

    router
        .route(
            "/openapi.json",
            get(move || std::future::ready(Json(document))),
        )
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(RequestTransactionLayer::new().read_only_for_safe_methods())
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(app)
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::Document::openapi())
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
