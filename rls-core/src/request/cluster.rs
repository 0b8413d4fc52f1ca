//! Which cluster and database a session is in.

use sqlx::{PgConnection, Row};

use crate::sql::CAN_IDENTIFY;

/// The answer is the same for a database and its copies on standbys, and for no other: the OIDs that
/// statements name are those of one database. If the login may not ask for the cluster, only the
/// database is told.
pub(crate) async fn of(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    // Simple messages, since the session may be a pooler's. A function that may not be executed may
    // not be named either.
    let may_ask = format!("SELECT ({CAN_IDENTIFY})::pg_catalog.text");
    let row = sqlx::raw_sql(sqlx::AssertSqlSafe(may_ask))
        .fetch_one(&mut *connection)
        .await?;
    let cluster = match row.try_get_unchecked::<&str, _>(0)? {
        "true" => "(SELECT c.system_identifier FROM pg_catalog.pg_control_system() c)",
        _ => "NULL",
    };

    let ask = format!(
        "SELECT pg_catalog.concat(d.oid, ' ', d.datname, ' ', {cluster})
         FROM pg_catalog.pg_database d
         WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"
    );
    let row = sqlx::raw_sql(sqlx::AssertSqlSafe(ask));
    row.fetch_one(connection).await?.try_get_unchecked(0)
}
