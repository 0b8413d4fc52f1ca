//! What all handlers share, whose a request is, and who may administrate.

mod newcomer;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use sea_orm::EntityTrait;
use sea_orm_rls::axum::{AdminProvider, ContextProvider, Problem, RequestDatabase, Scoped};
use sea_orm_rls::{AdminContext, RlsConnection, UserContext};
use tasks_entity::user;
use uuid::Uuid;

use crate::password::Passwords;
use crate::token::Tokens;

pub use newcomer::Newcomer;

/// The header in which an administrator says why.
pub const REASON: &str = "x-admin-reason";

/// The router's state. Handlers see it, so what could reach rows in it is private: they have their
/// arguments for that.
///
/// ```
/// async fn stranger(axum::extract::State(app): axum::extract::State<tasks_api::app::App>) {
///     let _tokens = &app.tokens;
/// }
/// ```
///
/// ```compile_fail,E0616
/// async fn stranger(axum::extract::State(app): axum::extract::State<tasks_api::app::App>) {
///     let _anyone = app.connection.scope(sea_orm_rls::UserContext::new(1));
/// }
/// ```
///
/// ```compile_fail,E0624
/// use sea_orm_rls::axum::ContextProvider;
/// async fn stranger(axum::extract::State(app): axum::extract::State<tasks_api::app::App>) {
///     let _anyone = app.database().scope(sea_orm_rls::context::Settings::new());
/// }
/// ```
#[derive(Clone)]
pub struct App {
    database: RequestDatabase,
    connection: RlsConnection,
    pub tokens: Tokens,
    pub passwords: Passwords,
}

impl App {
    pub fn new(connection: RlsConnection, tokens: Tokens) -> Self {
        let database = RequestDatabase::new(connection.clone());
        Self {
            database,
            connection,
            tokens,
            passwords: Passwords::new(),
        }
    }

    fn user(&self, parts: &Parts) -> Result<Option<Uuid>, Problem> {
        let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
            return Ok(None);
        };
        let token = value
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "));

        token
            .and_then(|token| self.tokens.user(token))
            .map(Some)
            .ok_or_else(Problem::unauthenticated)
    }
}

impl ContextProvider for App {
    type Context = UserContext;

    fn database(&self) -> &RequestDatabase {
        &self.database
    }

    async fn context(&self, parts: &mut Parts) -> Result<Option<UserContext>, Problem> {
        Ok(self.user(parts)?.map(UserContext::new))
    }
}

impl AdminProvider for App {
    /// A superuser is one in the database at the time of the request, not at that of the login.
    async fn admin(&self, parts: &mut Parts) -> Result<Option<AdminContext>, Problem> {
        let Scoped(own) = Scoped::from_request_parts(parts, self).await?;
        let Some(caller) = self.user(parts)? else {
            return Ok(None);
        };
        let superuser = user::Entity::find_by_id(caller)
            .one(&own)
            .await?
            .filter(|user| user.is_superuser);

        let reason = parts
            .headers
            .get(REASON)
            .and_then(|reason| reason.to_str().ok())
            .unwrap_or_default();

        superuser
            .map(|user| AdminContext::new(user.email, reason))
            .transpose()
            .map_err(Problem::from)
    }
}

/// Who asks.
pub struct Caller(pub Uuid);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        app.user(parts)?
            .map(Self)
            .ok_or_else(Problem::unauthenticated)
    }
}
