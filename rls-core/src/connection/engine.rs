//! Asks whether the server is PostgreSQL, or another engine that speaks its protocol.

use sqlx::{AssertSqlSafe, Row};

use super::open;
use crate::config::{RlsConfig, SignedContexts};
use crate::error::RlsError;
use crate::gate::database_error;
use crate::request::engine::Engine;
use crate::request::sessions::Sessions;
use crate::sql::IS_CITUS;

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

/// Recognises Citus, and refuses another engine.
///
/// # Errors
///
/// [`RlsError::OtherEngine`]; those of [`open::first`]; the server's.
pub(super) async fn check(sessions: &Sessions) -> Result<Engine, RlsError> {
    let mut connection = open::first(sessions).await?;
    // In one statement that is not prepared.
    let question = format!("SELECT version(), {IS_CITUS}");
    let (version, is_citus): (String, bool) = sqlx::raw_sql(AssertSqlSafe(question))
        .fetch_one(connection.connection())
        .await
        .and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .map_err(database_error)?;

    if !is_postgresql(&version) {
        Err(RlsError::OtherEngine { version })
    } else if is_citus {
        Ok(Engine::Citus)
    } else {
        Ok(Engine::PostgreSql)
    }
}

/// Refuses what Citus cannot do.
///
/// # Errors
///
/// [`RlsError::NotOnCitus`].
pub(super) fn check_signed(engine: Engine, config: &RlsConfig) -> Result<(), RlsError> {
    if engine == Engine::Citus && config.signs_contexts() > SignedContexts::Off {
        return Err(RlsError::NotOnCitus {
            what: "a signed context",
            instead: "its workers take a context by `SET LOCAL` alone, and no policy that reads \
                      another table: set `RLS_SIGNED_CONTEXTS` to `off`",
        });
    }

    Ok(())
}

/// Refuses a standby of a coordinator: what its workers would read is not asked.
///
/// # Errors
///
/// [`RlsError::NotOnCitus`].
pub(super) fn check_standby(engine: Engine) -> Result<(), RlsError> {
    if engine == Engine::Citus {
        return Err(RlsError::NotOnCitus {
            what: "a standby for reads",
            instead: "leave out `with_standby`, and add workers",
        });
    }

    Ok(())
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
