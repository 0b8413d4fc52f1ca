//! Who one is.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::EntityTrait;
use sea_orm_rls::axum::{Problem, Scoped};
use serde::{Deserialize, Serialize};
use tasks_entity::user;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::account;
use crate::app::{App, Caller, Newcomer};
use crate::argument::Body;
use crate::token::LIFETIME;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[schema(example = "ann@example.org")]
    email: String,
    password: String,
}

#[derive(Serialize, ToSchema)]
pub struct User {
    pub id: Uuid,
    pub email: String,
    pub is_superuser: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Token {
    token: String,
    /// In seconds.
    expires_in: u64,
}

impl From<user::Model> for User {
    fn from(user: user::Model) -> Self {
        Self {
            id: user.id,
            email: user.email,
            is_superuser: user.is_superuser,
        }
    }
}

/// Adds a user. That an address is taken can be seen by everyone who tries it.
#[utoipa::path(post, path = "/users", request_body = Login, responses((status = 201, body = User), (status = 409), (status = 422)))]
pub async fn sign_up(
    newcomer: Newcomer,
    State(app): State<App>,
    Body(login): Body<Login>,
) -> Result<(StatusCode, Json<User>), Problem> {
    let user = account::add(&newcomer, &app.passwords, &login.email, login.password).await?;
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// A token for an hour. A wrong password and an unknown address look alike, and take as long.
#[utoipa::path(post, path = "/login", request_body = Login, responses((status = 200, body = Token), (status = 401)))]
pub async fn login(
    newcomer: Newcomer,
    State(app): State<App>,
    Body(login): Body<Login>,
) -> Result<Json<Token>, Problem> {
    let credential = match account::address(&login.email) {
        Ok(email) => newcomer.credential(&email).await?,
        Err(_) => None,
    };

    let (user, hash) = credential
        .map(|known| (known.user_id, known.password_hash))
        .unzip();
    let matches = app.passwords.matches(login.password, hash).await?;
    let user = user
        .filter(|_| matches)
        .ok_or_else(Problem::unauthenticated)?;
    let token = app.tokens.issue(user).map_err(|error| {
        tracing::error!(%error, "no token was made");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the service has failed",
        )
    })?;

    Ok(Json(Token {
        token,
        expires_in: LIFETIME.as_secs(),
    }))
}

/// Who one is. A user who is gone is nobody, though their token has not expired.
#[utoipa::path(get, path = "/me", security(("token" = [])), responses((status = 200, body = User), (status = 401)))]
pub async fn me(Scoped(db): Scoped, Caller(id): Caller) -> Result<Json<User>, Problem> {
    let user = user::Entity::find_by_id(id)
        .one(&db)
        .await?
        .ok_or_else(Problem::unauthenticated)?;
    Ok(Json(user.into()))
}

/// Ends being one: everything of the user's goes along.
#[utoipa::path(delete, path = "/me", security(("token" = [])), responses((status = 204), (status = 401)))]
pub async fn leave(Scoped(db): Scoped, Caller(id): Caller) -> Result<StatusCode, Problem> {
    let deleted = user::Entity::delete_by_id(id).exec(&db).await?;
    if deleted.rows_affected == 0 {
        Err(Problem::unauthenticated())
    } else {
        Ok(StatusCode::NO_CONTENT)
    }
}
