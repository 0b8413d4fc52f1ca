//! Web services on axum 0.8: a handler takes its connection as an argument, on behalf of the
//! request's user.
//!
//! The application implements [`ContextProvider`], which finds the user of a request, and
//! [`AdminProvider`] if it has administrators. A handler then takes one of these arguments. Without
//! one, it reaches no table:
//!
//! | argument | what it is | if the request names nobody |
//! |---|---|---|
//! | [`Scoped`] | a connection on behalf of the request's user | 401 |
//! | `Option<Scoped>` | the same, or `None` | `None` |
//! | [`RequestTransaction`] | one transaction for the whole request, begun with its first statement | 401 |
//! | [`Anonymous`] | a connection on behalf of nobody | the same |
//! | [`Admin`] | a connection as maintenance administrator | the answer of [`AdminProvider`] |
//! | [`AdminReadOnly`] | the same, and the server refuses every write | the answer of [`AdminProvider`] |
//! | [`AdminAsUser`] | an administrator who acts for one user at a time | the answer of [`AdminProvider`] |
//!
//! The operator `?` turns [`DbErr`](sea_orm::DbErr) and [`RlsError`](crate::RlsError) into answers:
//! see [`Problem`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::http::request::Parts;
//! use axum::{Json, Router, routing::get};
//! use sea_orm::EntityTrait;
//! use sea_orm_rls::axum::{ContextProvider, Problem, RequestDatabase, Scoped};
//! use sea_orm_rls::{RlsConnection, UserContext};
//! # mod task {
//! #     use sea_orm::entity::prelude::*;
//! #     #[sea_orm::model]
//! #     #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
//! #     #[sea_orm(table_name = "task")]
//! #     pub struct Model {
//! #         #[sea_orm(primary_key)]
//! #         pub id: i32,
//! #         pub title: String,
//! #     }
//! #     impl ActiveModelBehavior for ActiveModel {}
//! # }
//! # struct Sessions;
//! # impl Sessions {
//! #     async fn user(&self, _cookie: &str) -> Option<i64> { None }
//! # }
//!
//! #[derive(Clone)]
//! struct Service {
//!     database: RequestDatabase,
//!     sessions: Arc<Sessions>,
//! }
//!
//! impl ContextProvider for Service {
//!     type Context = UserContext;
//!
//!     fn database(&self) -> &RequestDatabase {
//!         &self.database
//!     }
//!
//!     async fn context(&self, parts: &mut Parts) -> Result<Option<UserContext>, Problem> {
//!         let Some(cookie) = parts.headers.get("cookie").and_then(|cookie| cookie.to_str().ok()) else {
//!             return Ok(None);
//!         };
//!         Ok(self.sessions.user(cookie).await.map(UserContext::new))
//!     }
//! }
//!
//! // No `WHERE`: only rows of the request's user are read.
//! async fn titles(Scoped(db): Scoped) -> Result<Json<Vec<String>>, Problem> {
//!     let tasks = task::Entity::find().all(&db).await?;
//!     Ok(Json(tasks.into_iter().map(|task| task.title).collect()))
//! }
//!
//! fn service(db: RlsConnection, sessions: Sessions) -> Router {
//!     let service = Service { database: RequestDatabase::new(db), sessions: Arc::new(sessions) };
//!     Router::new().route("/tasks", get(titles)).with_state(service)
//! }
//! ```

mod extract;
mod problem;
mod provider;
mod transaction;

pub use extract::{Admin, AdminAsUser, AdminReadOnly, Anonymous, Scoped};
pub use problem::Problem;
pub use provider::{AdminProvider, ContextProvider, RequestDatabase};
pub use transaction::{
    LazyTransaction, RequestTransaction, RequestTransactionLayer, RequestTransactionService,
};
