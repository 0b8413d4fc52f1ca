//! Tests of the application's login itself, on its own connection.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, TransactionTrait};
use sqlx::{AssertSqlSafe, PgExecutor, Row};

use crate::connection::RlsConnection;
use crate::model::privilege::Privilege;
use crate::model::scope::Scope;
use crate::name::{Identifier, TableName};
use crate::request::scoped::ScopedConnection;
use crate::sql;

use super::classify::ForeignRows;
use super::draft::text;
use super::outcome::Outcome;
use super::shape::Subject;
use super::user::Users;
use super::{Actor, ProofError};

/// Whether the login is the role as which the statements were run, and row-level security is active
/// for it.
pub(super) async fn is_active(
    executor: impl PgExecutor<'_>,
    role: &Identifier,
    table: &TableName,
) -> Result<Outcome, ProofError> {
    let query = format!(
        "SELECT current_user = $1 AND session_user = $1 AS is_role, \
         row_security_active({}::regclass) AS active",
        text(&sql::table(table))
    );

    let row = sqlx::query(AssertSqlSafe(query))
        .bind(role.as_str())
        .fetch_one(executor)
        .await?;

    Ok(if !row.try_get::<bool, _>("active")? {
        Outcome::Leak {
            reason: "row security is not active for the application's login".to_owned(),
        }
    } else if row.try_get("is_role")? {
        Outcome::Held
    } else {
        Outcome::Untested {
            reason: format!("the application's login is not `{role}`, as which all else was run"),
        }
    })
}

/// Whether the login reads no row as the users of the proof, who have stored none.
pub(super) async fn reads(
    app: &RlsConnection,
    users: &Users,
    scope: &Scope,
    actor: Actor,
    foreign: ForeignRows,
) -> Result<Outcome, ProofError> {
    if foreign == ForeignRows::Pass || !scope.privileges.contains(&Privilege::Select) {
        return Ok(Outcome::Held);
    }

    let db = match actor {
        Actor::First => app.scope(users.scope(Subject::First)?),
        Actor::Second => app.scope(users.scope(Subject::Second)?),
        Actor::Nobody => app.anonymous(),
    };

    match counts(&db, scope)
        .await
        .map_err(crate::error::RlsError::from)
    {
        Ok([0, 0, 0]) => Ok(Outcome::Held),
        Ok(counts) => {
            let most = counts.into_iter().max().unwrap_or_default();
            Ok(Outcome::Leak {
                reason: format!("{most} rows were read that were there before the proof"),
            })
        }
        Err(error) if error.sqlstate().is_some() => Ok(Outcome::Untested {
            reason: error.to_string(),
        }),
        Err(error) => Err(error.into()),
    }
}

/// Counts the rows in the transaction of a single statement, in a nested one, and after the
/// rollback of that in the outer one.
async fn counts(db: &ScopedConnection, scope: &Scope) -> Result<[i64; 3], DbErr> {
    let outer = db.begin().await?;
    let inner = outer.begin().await?;
    let nested = count(&inner, scope).await?;

    inner.rollback().await?;

    let after = count(&outer, scope).await?;
    outer.rollback().await?;

    Ok([count(db, scope).await?, nested, after])
}

async fn count(db: &impl ConnectionTrait, scope: &Scope) -> Result<i64, DbErr> {
    let count = format!("SELECT count(*) AS n FROM {}", sql::table(&scope.table));
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, count))
        .await?;
    row.map_or(Ok(0), |row| row.try_get("", "n"))
}
