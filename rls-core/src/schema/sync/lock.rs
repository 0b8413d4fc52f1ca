//! The advisory lock that makes deployments take turns, and what happens if a transaction and the
//! service wait for each other's locks.

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::error::{RlsError, SchemaError};
use crate::schema::catalog::query::{get, rows};
use crate::schema::catalog::{begin, is_citus};
use crate::sqlstate;
use crate::terminal::shown;

/// The key of this library's advisory lock, of which each database has one: the bytes of
/// `sea-rls!`.
const LOCK: i64 = 0x7365_612d_726c_7321;

/// How long a deployment waits for another, unless the login has a `lock_timeout` of its own.
const DEADLINE: &str = "60s";

/// How often a transaction is tried that is part of a deadlock.
const ATTEMPTS: usize = 5;

/// Runs a transaction, and runs it again if the server ended it because of a deadlock: it had locked
/// a table that a statement of the service waited for, and waited for a table that this one had
/// locked. What it did is undone then, and its own locks are released.
pub(super) async fn despite_deadlocks<T, F>(transaction: impl Fn() -> F) -> Result<T, RlsError>
where
    F: Future<Output = Result<T, RlsError>>,
{
    let mut attempt = 1;
    loop {
        match transaction().await {
            Err(error) if attempt < ATTEMPTS && is_deadlock(&error) => attempt += 1,
            done => return done,
        }
    }
}

fn is_deadlock(error: &RlsError) -> bool {
    error.sqlstate().as_deref() == Some(sqlstate::DEADLOCK_DETECTED)
}

/// Begins a transaction in which no other deployment applies anything.
pub(super) async fn begin_alone<C>(db: &C) -> Result<DatabaseTransaction, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let transaction = begin(db).await?;
    let Err(error) = lock(&transaction).await else {
        return Ok(transaction);
    };

    transaction.rollback().await?;
    if error.sqlstate().as_deref() != Some(sqlstate::LOCK_NOT_AVAILABLE) {
        return Err(error);
    }

    let holders = match holders(db).await {
        // `pg_locks` is revoked by the remedy of RLS030.
        Err(refused) if refused.sqlstate().as_deref() == Some(sqlstate::INSUFFICIENT_PRIVILEGE) => {
            vec!["this login may not see which, in `pg_locks`".to_owned()]
        }
        holders => holders?,
    };
    Err(SchemaError::Locked { holders }.into())
}

async fn lock(db: &DatabaseTransaction) -> Result<(), RlsError> {
    const OWN: &str = "SELECT current_setting('lock_timeout') AS own";
    let own = rows(db, OWN.to_owned()).await?;
    let own: String = own
        .first()
        .map_or(Ok(String::new()), |row| get(row, "own"))?;

    // The transaction may be the caller's: the setting is put back.
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
    let lock = if own == "0" {
        format!("SET LOCAL lock_timeout = '{DEADLINE}'; {lock}; SET LOCAL lock_timeout = 0")
    } else {
        lock
    };

    db.execute_unprepared(&lock).await?;

    // Else Citus changes shards in parallel sessions, which see no role that this transaction makes.
    if is_citus(db).await? {
        db.execute_unprepared("SET LOCAL citus.multi_shard_modify_mode = 'sequential'")
            .await?;
    }

    Ok(())
}

/// Who holds the lock, as far as this login may see.
async fn holders(db: &impl ConnectionTrait) -> Result<Vec<String>, RlsError> {
    // The key's halves, as `pg_locks` shows them.
    let query = format!(
        "SELECT l.pid, coalesce(a.application_name, '') AS application, coalesce(a.usename::text, \
         '') AS role
         FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
           AND l.classid = {} AND l.objid = {}
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         ORDER BY l.pid",
        LOCK >> 32,
        LOCK & 0xffff_ffff
    );

    let holder = |row: &_| {
        let (pid, application, role): (i32, String, String) = (
            get(row, "pid")?,
            get(row, "application")?,
            get(row, "role")?,
        );
        Ok(format!(
            "pid {pid}, application `{}`, role `{}`",
            shown(&application),
            shown(&role)
        ))
    };

    rows(db, query).await?.iter().map(holder).collect()
}
