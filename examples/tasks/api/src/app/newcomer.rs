//! Somebody who is nobody yet: they sign up, or log in.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use sea_orm_rls::{RlsConnection, ScopedConnection, UserContext};
use tasks_entity::credential::{self, LoginContext};
use uuid::Uuid;

use super::App;

/// What a request may do before anyone is known, and no more: it takes no context from its caller.
pub struct Newcomer(RlsConnection);

impl Newcomer {
    /// Not of a request: for the users that are there from the start.
    pub fn at_start(connection: RlsConnection) -> Self {
        Self(connection)
    }

    /// How whoever has this address logs in; the one row that is read before anyone is known. It is
    /// filtered all the same: with `RLS_ENABLED` off, the first row that comes must not do.
    pub async fn credential(&self, email: &str) -> Result<Option<credential::Model>, DbErr> {
        let named = credential::Entity::find().filter(credential::Column::Email.eq(email));
        named.one(&self.0.scope(LoginContext { email })).await
    }

    /// A user who is not there yet, and their connection.
    pub fn user(&self) -> (Uuid, ScopedConnection) {
        let id = Uuid::new_v4();
        (id, self.0.scope(UserContext::new(id)))
    }
}

impl FromRequestParts<App> for Newcomer {
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self(app.connection.clone()))
    }
}
