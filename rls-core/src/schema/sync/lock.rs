//! The advisory lock that makes deployments take turns.

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::error::RlsError;
use crate::schema::catalog::begin;

/// The key of this library's advisory lock, of which each database has one: the bytes of
/// `sea-rls!`.
const LOCK: i64 = 0x7365_612d_726c_7321;

/// Begins a transaction in which no other deployment applies anything.
pub(super) async fn begin_alone<C>(db: &C) -> Result<DatabaseTransaction, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let transaction = begin(db).await?;
    transaction
        .execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
        .await?;
    Ok(transaction)
}
