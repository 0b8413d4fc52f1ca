//! What stands in the way of SeaORM's `fresh`.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// The statements that drop views, materialized views and foreign tables of the current schema.
const DROPS: &str = "SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind
                       WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                       ELSE 'FOREIGN TABLE' END, n.nspname, c.relname) AS statement
                     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = current_schema() AND c.relkind IN ('v', 'm', 'f')
                     ORDER BY c.oid";

/// Drops the views and foreign tables of the current schema, with what depends on them.
///
/// SeaORM drops tables with what depends on them, then each type of the schema. A view that reads no
/// table of the schema is still there, and its row type cannot be dropped without it (2BP01). For an
/// extension's view the error is this function's, before anything is dropped.
pub(crate) async fn drop_views(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }

    let drops = Statement::from_string(DbBackend::Postgres, DROPS);
    let rows = db.query_all_raw(drops).await?;
    let drops: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("", "statement"))
        .collect::<Result<_, _>>()?;

    if drops.is_empty() {
        return Ok(());
    }

    db.execute_unprepared(&drops.join("; ")).await.map(|_| ())
}
