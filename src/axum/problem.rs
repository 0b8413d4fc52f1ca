//! [`Problem`]: errors as answers.

mod cause;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use sea_orm::{DbErr, TransactionError};

use crate::RlsError;
use crate::error::ContextError;

/// An error as an answer, in `application/problem+json` (RFC 9457) with a stable `code`.
///
/// The body of an answer to an error of the database contains no table, SQL or value. The error
/// itself goes to `tracing`: at ERROR for 500, WARN for 503, DEBUG for the others.
///
/// | code | status | cause |
/// |---|---|---|
/// | `unauthenticated` | 401 | the request names nobody, or a row of a scoped table was written on behalf of nobody |
/// | `not_yours` | 403 | a policy refused the row |
/// | `not_granted` | 403 | the role lacks the privilege on the table, or SeaORM's access control denies it |
/// | `not_administrator` | 403 | [`AdminProvider`](super::AdminProvider) returned `None` |
/// | `reason_required` | 400 | an administrator gave no name or no reason |
/// | `not_found` | 404 | SeaORM found no row to read or update: it does not exist, or belongs to another |
/// | `already_exists` | 409 | a unique key refused the row |
/// | `reference` | 409 | a foreign key refused the change |
/// | `concurrent_change` | 409 | a deadlock or a serialization failure; the same request may succeed |
/// | `invalid_value` | 422 | a column refused a value: too long, out of range, a NUL byte, a check, missing |
/// | `unavailable` | 503 | the gate, the audit, no free connection, a lost connection, a full server, a timeout; with `Retry-After` |
/// | `outcome_unknown` | 500 | the connection was lost during the commit: check before sending the request again |
/// | `internal` | 500 | anything else |
///
/// ```
/// use axum::http::StatusCode;
/// use sea_orm::DbErr;
/// use sea_orm_rls::axum::Problem;
///
/// let missing = Problem::from(DbErr::RecordNotUpdated);
/// assert_eq!((missing.status(), missing.code()), (StatusCode::NOT_FOUND, "not_found"));
/// let own = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "title_empty", "a task needs a title");
/// assert_eq!(own.to_string(), "a task needs a title");
/// ```
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    source: Option<Arc<RlsError>>,
}

impl Problem {
    /// Creates a problem of the application.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            source: None,
        }
    }

    /// The request names nobody, or cannot prove its identity: 401, with `WWW-Authenticate:
    /// Bearer`.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "the request does not say on whose behalf it is, or cannot prove it",
        )
    }

    /// The thing does not exist, or belongs to another: 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing")
    }

    pub(super) fn not_administrator() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "not_administrator",
            "only administrators may do this",
        )
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the service has failed",
        )
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    fn tell(&self) {
        let (status, code) = (self.status.as_u16(), self.code);
        let Some(error) = &self.source else { return };

        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                tracing::warn!(status, code, %error, "request failed");
            }
            status_code if status_code.is_server_error() => {
                tracing::error!(status, code, %error, "request failed");
            }
            _ => tracing::debug!(status, code, %error, "request refused"),
        }
    }
}

impl From<RlsError> for Problem {
    fn from(error: RlsError) -> Self {
        Self {
            source: Some(Arc::new(error.clone())),
            ..cause::problem(&error)
        }
    }
}

impl From<DbErr> for Problem {
    fn from(error: DbErr) -> Self {
        RlsError::from(error).into()
    }
}

impl From<ContextError> for Problem {
    fn from(error: ContextError) -> Self {
        RlsError::from(error).into()
    }
}

/// For `transaction(…)`, with a closure that may return a [`Problem`].
impl<E: Into<Self>> From<TransactionError<E>> for Problem {
    fn from(error: TransactionError<E>) -> Self {
        match error {
            TransactionError::Connection(error) => error.into(),
            TransactionError::Transaction(error) => error.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.tell();

        let body = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });

        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );

        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }

        response
    }
}
