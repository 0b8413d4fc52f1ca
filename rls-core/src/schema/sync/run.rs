use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};

use crate::error::{RlsError, SchemaError};
use crate::schema::render;

use crate::schema::plan::{
    Change, ColumnChange, DomainChange, ForeignKeyChange, FunctionChange, PolicyChange, RoleChange,
    TableChange,
};
use crate::sqlstate;

/// Runs the statements of a change, one a message. If rows refuse a key that binds a reference, they
/// are counted.
pub(super) async fn run(db: &DatabaseTransaction, change: &Change) -> Result<(), RlsError> {
    if !matches!(
        change,
        Change::Table(_, TableChange::ForeignKey(ForeignKeyChange::Bind { .. }))
    ) {
        return statements(db, change).await;
    }

    db.execute_unprepared("SAVEPOINT rls_bind").await?;
    let bound = statements(db, change).await;
    if let Err(error) = &bound
        && error.sqlstate().as_deref() == Some(sqlstate::FOREIGN_KEY_VIOLATION)
    {
        db.execute_unprepared("ROLLBACK TO SAVEPOINT rls_bind")
            .await?;
        foreign_rows(db, change).await?;
    }

    bound
}

/// The error that counts the rows that refer to rows of another owner, if there are any.
pub(super) async fn foreign_rows(
    db: &impl ConnectionTrait,
    change: &Change,
) -> Result<(), RlsError> {
    let Change::Table(
        table,
        TableChange::ForeignKey(ForeignKeyChange::Bind {
            parent, columns, ..
        }),
    ) = change
    else {
        return Ok(());
    };

    let foreign = render::foreign_rows(table, parent, columns);
    let count = format!("SELECT count(*) AS rows {foreign}");
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, count))
        .await?;
    let rows: i64 = row.map_or(Ok(0), |row| row.try_get("", "rows"))?;
    if rows == 0 {
        return Ok(());
    }

    Err(SchemaError::ForeignRows {
        table: table.to_string(),
        column: columns
            .last()
            .map(|(column, _)| column.to_string())
            .unwrap_or_default(),
        parent: parent.to_string(),
        rows,
        find: format!("SELECT c.* {foreign}"),
    }
    .into())
}

async fn statements(db: &DatabaseTransaction, change: &Change) -> Result<(), RlsError> {
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

/// The error for a failed statement of a change.
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

    match (state.as_deref(), fills(change)) {
        (Some(sqlstate::LOCK_NOT_AVAILABLE), _) => SchemaError::LockTimeout { sql },
        (Some(sqlstate::DEADLOCK_DETECTED), _) => SchemaError::Deadlock { sql, source },
        (Some(sqlstate::OUT_OF_MEMORY), _) => SchemaError::TooManyLocks { sql, source },
        (
            Some(sqlstate::NOT_NULL_VIOLATION | sqlstate::CHECK_VIOLATION),
            Some((table, column, _)),
        ) => SchemaError::RowsWithoutOwner { table, column },
        (Some(_), Some((table, column, Some(_)))) => SchemaError::Backfill {
            table,
            column,
            source,
        },
        (Some(state), _) if sqlstate::DUPLICATE.contains(&state) => taken(change, sql, source),
        (Some(sqlstate::INSUFFICIENT_PRIVILEGE), _) => SchemaError::Privilege {
            what: needed(change),
            sql,
            source,
        },
        _ => SchemaError::Statement { sql, source },
    }
}

/// The error for a name that something else took since the plan, or that no plan gave.
fn taken(change: &Change, sql: String, source: Arc<DbErr>) -> SchemaError {
    let Change::Table(table, of_table) = change else {
        return SchemaError::Statement { sql, source };
    };

    let name = match of_table {
        TableChange::Column(column, _) => column,
        TableChange::ForeignKey(
            ForeignKeyChange::Add { name, .. }
            | ForeignKeyChange::Bind { name, .. }
            | ForeignKeyChange::Restore { name, .. },
        )
        | TableChange::Policy(PolicyChange::Rename { name, .. }) => name,
        TableChange::Index(index) => index.name(),
        TableChange::Policy(PolicyChange::Create { policy }) => &policy.name,
        TableChange::CreateAudit => &table.table,
        _ => return SchemaError::Statement { sql, source },
    };

    SchemaError::NameTaken {
        table: table.to_string(),
        name: name.to_string(),
    }
}

/// The table and column that a change fills, and its backfill.
fn fills(change: &Change) -> Option<(String, String, Option<&String>)> {
    match change {
        Change::Table(
            table,
            TableChange::Column(
                column,
                ColumnChange::Add { backfill, .. } | ColumnChange::SetNotNull { backfill, .. },
            ),
        ) => Some((table.to_string(), column.to_string(), backfill.as_ref())),
        _ => None,
    }
}

/// What the login may not do, as [`SchemaError::Privilege`] says it.
fn needed(change: &Change) -> String {
    match change {
        Change::Role(role, RoleChange::Create { .. } | RoleChange::Alter { .. }) => {
            format!("create or alter role `{role}`")
        }
        Change::Domain(name, DomainChange::Create { .. })
        | Change::Function(name, FunctionChange::Create { .. }) => {
            format!("create `{name}`, which needs CREATE on its schema")
        }
        Change::Domain(name, _) | Change::Function(name, _) => {
            format!("change `{name}`, which another role owns")
        }
        _ => "change this table or its grants".to_owned(),
    }
}

pub(super) fn statement_failure(sql: String, error: DbErr) -> RlsError {
    match RlsError::from(&error).sqlstate().as_deref() {
        Some(sqlstate::LOCK_NOT_AVAILABLE) => SchemaError::LockTimeout { sql }.into(),
        Some(sqlstate::DEADLOCK_DETECTED) => {
            let source = Arc::new(error);
            SchemaError::Deadlock { sql, source }.into()
        }
        Some(sqlstate::OUT_OF_MEMORY) => {
            let source = Arc::new(error);
            SchemaError::TooManyLocks { sql, source }.into()
        }
        _ => SchemaError::Statement {
            sql,
            source: Arc::new(error),
        }
        .into(),
    }
}
