use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};

use crate::error::{RlsError, SchemaError};
use crate::schema::render;

use crate::schema::plan::Change;
use crate::sqlstate;

/// Runs the statements of a change, one a message.
pub(super) async fn run(db: &DatabaseTransaction, change: &Change) -> Result<(), RlsError> {
    for statement in render::change(change) {
        tracing::info!(statement = %statement.shown, "applying");

        let run = async {
            if let Some(secret) = statement.secret {
                // As a bound value it is in none of sqlx's or SeaORM's logs of statements.
                const BIND: &str = "SELECT set_config('rls.secret', $1, true)";

                db.execute_raw(Statement::from_sql_and_values(
                    DbBackend::Postgres,
                    BIND,
                    [secret.into()],
                ))
                .await?;
            }

            db.execute_unprepared(&statement.text).await
        };

        run.await
            .map_err(|error| failure(change, statement.shown, error))?;
    }

    Ok(())
}

/// What a failed statement of a change means.
pub(super) fn failure(change: &Change, sql: String, error: DbErr) -> SchemaError {
    if let (RlsError::RowsHidden { table: hidden, .. }, Some(table)) =
        (RlsError::from(&error), change.table())
    {
        return SchemaError::RowsHidden {
            table: table.to_string(),
            sql,
            hidden,
        };
    }

    let state = RlsError::Database(Arc::new(error.clone())).sqlstate();
    let source = Arc::new(error);

    match (state.as_deref(), change) {
        (Some(sqlstate::LOCK_NOT_AVAILABLE), _) => SchemaError::LockTimeout { sql },
        (
            Some(sqlstate::NOT_NULL_VIOLATION | sqlstate::CHECK_VIOLATION),
            Change::AddOwnerColumn { table, column, .. } | Change::SetNotNull { table, column, .. },
        ) => SchemaError::RowsWithoutOwner {
            table: table.to_string(),
            column: column.to_string(),
        },
        (
            Some(_),
            Change::AddOwnerColumn {
                table,
                column,
                backfill: Some(_),
                ..
            }
            | Change::SetNotNull {
                table,
                column,
                backfill: Some(_),
                ..
            },
        ) => SchemaError::Backfill {
            table: table.to_string(),
            column: column.to_string(),
            source,
        },
        (
            Some(sqlstate::INSUFFICIENT_PRIVILEGE),
            Change::CreateRole { role, .. } | Change::AlterRole { role, .. },
        ) => SchemaError::Privilege {
            what: format!("create or alter role `{role}`"),
            sql,
            source,
        },
        (Some(sqlstate::INSUFFICIENT_PRIVILEGE), _) => SchemaError::Privilege {
            what: "change this table or its grants".to_owned(),
            sql,
            source,
        },
        _ => SchemaError::Statement { sql, source },
    }
}

pub(super) fn statement_failure(sql: String, error: DbErr) -> RlsError {
    match RlsError::from(&error).sqlstate().as_deref() {
        Some(sqlstate::LOCK_NOT_AVAILABLE) => SchemaError::LockTimeout { sql }.into(),
        _ => SchemaError::Statement {
            sql,
            source: Arc::new(error),
        }
        .into(),
    }
}
