//! Asks whether the server is PostgreSQL, or another engine that speaks its protocol.

use sqlx::Row;

use super::open;
use crate::error::RlsError;
use crate::gate::database_error;
use crate::request::sessions::Sessions;

/// What other engines that call themselves PostgreSQL add to the name in `version()`. Their policies,
/// domains and settings are others, if they have any.
const OTHERS: [&str; 6] = [
    "-YB-",
    "Greenplum",
    "Cloudberry",
    "Materialize",
    "Redshift",
    "RisingWave",
];

/// Refuses another engine, by one statement that is not prepared.
///
/// # Errors
///
/// [`RlsError::OtherEngine`]; those of [`open::first`]; the server's.
pub(super) async fn check(sessions: &Sessions) -> Result<(), RlsError> {
    let mut connection = open::first(sessions).await?;
    let version: String = sqlx::raw_sql("SELECT version()")
        .fetch_one(connection.connection())
        .await
        .and_then(|row| row.try_get(0))
        .map_err(database_error)?;

    if is_postgresql(&version) {
        Ok(())
    } else {
        Err(RlsError::OtherEngine { version })
    }
}

fn is_postgresql(version: &str) -> bool {
    version.starts_with("PostgreSQL ") && !OTHERS.iter().any(|other| version.contains(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_told_apart_by_their_versions() {
        for version in [
            "PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc, 64-bit",
            "PostgreSQL 18.4 on x86_64-pc-linux-gnu",
            "PostgreSQL 19rc1",
        ] {
            assert!(is_postgresql(version), "{version}");
        }

        for version in [
            "CockroachDB CCL v25.2.0 (x86_64-pc-linux-gnu)",
            "PostgreSQL 15.2-YB-2.25.0.0-b0 on x86_64-pc-linux-gnu",
            "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC, Redshift 1.0.12103",
            "PostgreSQL 12.12 (Greenplum Database 7.1.0)",
        ] {
            assert!(!is_postgresql(version), "{version}");
        }
    }
}
