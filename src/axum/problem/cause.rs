//! What an error of the database means for the client.

use http::StatusCode;
use sea_orm::{DbErr, RuntimeErr, sqlx};

use super::Problem;
use crate::RlsError;
use crate::error::ContextError;

/// The problem of an error, without its source.
pub(super) fn problem(error: &RlsError) -> Problem {
    match error {
        RlsError::PolicyRefused { .. } => Problem::new(
            StatusCode::FORBIDDEN,
            "not_yours",
            "this is not yours to write",
        ),
        RlsError::MissingGrant { .. } | RlsError::ColumnNotGranted { .. } => not_granted(),
        RlsError::MissingContext { .. } | RlsError::Context(ContextError::Nul { .. }) => {
            Problem::unauthenticated()
        }
        RlsError::Context(ContextError::NoActor | ContextError::NoReason) => Problem::new(
            StatusCode::BAD_REQUEST,
            "reason_required",
            "an administrator says who acts, and why",
        ),
        RlsError::Gate(_)
        | RlsError::AuditFailed { .. }
        | RlsError::ConnectionLost { .. }
        | RlsError::Unreachable { .. }
        | RlsError::LoginRefused { .. }
        | RlsError::PasswordProvider { .. }
        | RlsError::StandbyBehind { .. }
        | RlsError::NoHost { .. }
        | RlsError::Tls { .. } => unavailable(),
        RlsError::CommitUnknown { .. } => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "outcome_unknown",
            "whether the change was stored is not known: look before sending it again",
        ),
        RlsError::TransactionFailed { first } => problem(&RlsError::from(first.as_ref())),
        RlsError::Database(source) => database(source, error.sqlstate().as_deref()),
        _ => Problem::internal(),
    }
}

fn not_granted() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "not_granted",
        "this may not be done here",
    )
}

fn unavailable() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "the service cannot do this now; try again later",
    )
}

fn database(error: &DbErr, sqlstate: Option<&str>) -> Problem {
    match error {
        DbErr::RecordNotFound(_) | DbErr::RecordNotUpdated => Problem::not_found(),
        DbErr::RecordNotInserted => already_exists(),
        // SeaORM's role-based access control.
        DbErr::AccessDenied { .. } => not_granted(),
        DbErr::ConnectionAcquire(_) => unavailable(),
        DbErr::Conn(RuntimeErr::SqlxError(error))
            if matches!(
                error.as_ref(),
                sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed
            ) =>
        {
            unavailable()
        }
        _ => sqlstate.map_or_else(Problem::internal, by_sqlstate),
    }
}

fn already_exists() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "already_exists",
        "there is such a thing already",
    )
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn by_sqlstate(sqlstate: &str) -> Problem {
    match sqlstate {
        "23505" | "23P01" => already_exists(),
        "23503" | "23001" => Problem::new(
            StatusCode::CONFLICT,
            "reference",
            "this refers to something that is not there, or is referred to",
        ),
        "40001" | "40P01" => Problem::new(
            StatusCode::CONFLICT,
            "concurrent_change",
            "something else changed this meanwhile",
        ),
        // Only those of class 22 that a value can cause; a division by zero is the service's fault.
        "22000" | "22001" | "22003" | "22007" | "22008" | "22009" | "22015" | "2201B" | "2201W"
        | "2201X" | "22021" | "22P02" | "22P05" | "23502" | "23514" | "54000" | "54001" => {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_value",
                "a value cannot be stored as it is",
            )
        }
        // Locks and statements that took too long.
        "55P03" | "57014" => unavailable(),
        // Insufficient resources.
        code if code.starts_with("53") => unavailable(),
        _ => Problem::internal(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sea_orm::ConnAcquireErr;

    use super::*;

    fn answer(error: impl Into<Problem>) -> (u16, &'static str) {
        let problem = error.into();
        (problem.status().as_u16(), problem.code())
    }

    #[test]
    fn errors_of_row_level_security_have_answers() {
        let (table, message) = (
            Some("task".to_owned()),
            "policy \"p\" for table \"task\"".to_owned(),
        );

        let refused = RlsError::PolicyRefused {
            table: table.clone(),
            message: message.clone(),
        };

        assert_eq!(answer(refused.clone()), (403, "not_yours"));
        assert_eq!(
            answer(RlsError::MissingGrant {
                table: table.clone(),
                message
            }),
            (403, "not_granted")
        );
        assert_eq!(
            answer(RlsError::ColumnNotGranted {
                table: "task".to_owned(),
                command: crate::model::Command::Update,
                columns: vec!["price".to_owned()],
                allowed: vec!["title".to_owned()],
            }),
            (403, "not_granted")
        );
        assert_eq!(
            answer(RlsError::MissingContext {
                table,
                settings: Vec::new(),
            }),
            (401, "unauthenticated")
        );
        assert_eq!(answer(ContextError::NoReason), (400, "reason_required"));
        assert_eq!(answer(RlsError::StreamOpen), (500, "internal"));

        let first = Arc::new(DbErr::from(refused.clone()));
        assert_eq!(
            answer(RlsError::TransactionFailed {
                first: Arc::clone(&first)
            }),
            (403, "not_yours")
        );
        assert_eq!(
            answer(RlsError::AuditFailed {
                source: Arc::clone(&first)
            }),
            (503, "unavailable")
        );
        assert_eq!(
            answer(RlsError::CommitUnknown { source: first }),
            (500, "outcome_unknown")
        );

        // Through SeaORM's type, which handlers get.
        assert_eq!(answer(DbErr::from(refused)), (403, "not_yours"));
    }

    #[test]
    fn errors_of_sea_orm_have_answers() {
        assert_eq!(
            answer(DbErr::RecordNotFound("task".into())),
            (404, "not_found")
        );
        assert_eq!(answer(DbErr::RecordNotUpdated), (404, "not_found"));
        assert_eq!(answer(DbErr::RecordNotInserted), (409, "already_exists"));

        let denied = DbErr::AccessDenied {
            permission: "delete".into(),
            resource: "task".into(),
        };

        assert_eq!(answer(denied), (403, "not_granted"));
        assert_eq!(
            answer(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
            (503, "unavailable")
        );

        assert_eq!(
            answer(DbErr::Custom("SELECT secret FROM task".into())),
            (500, "internal")
        );
    }

    #[test]
    fn details_name_no_table_and_no_sql() {
        for error in [
            DbErr::Custom("SELECT secret FROM task".into()),
            DbErr::RecordNotFound("task".into()),
        ] {
            let detail = Problem::from(error).to_string();
            assert!(
                !detail.contains("task") && !detail.contains("secret"),
                "{detail}"
            );
        }
    }
}
