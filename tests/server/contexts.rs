//! Derived contexts on a server: what a setting carries is what a policy reads.

mod jobs;
mod lists;
mod missing;
mod moments;
mod values;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, TryGetable};

/// The value of an SQL expression.
async fn read<T: TryGetable>(db: &impl ConnectionTrait, expression: &str) -> T {
    let rows = read_all(db, expression).await;
    rows.into_iter().next().expect("one row")
}

/// The values of an SQL expression that gives rows.
async fn read_all<T: TryGetable>(db: &impl ConnectionTrait, expression: &str) -> Vec<T> {
    let select =
        Statement::from_string(DbBackend::Postgres, format!("SELECT {expression} AS value"));
    let rows = db.query_all_raw(select).await.unwrap();
    rows.iter()
        .map(|row: &QueryResult| row.try_get("", "value").unwrap())
        .collect()
}
