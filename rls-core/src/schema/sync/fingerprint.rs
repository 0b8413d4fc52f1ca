use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::run::statement_failure;
use crate::error::RlsError;
use crate::name::TableName;
use crate::schema::catalog;
use crate::schema::diff;
use crate::schema::table::Desired;
use crate::sql;

/// Writes the fingerprints that are missing or of another time.
pub(super) async fn fingerprint(
    db: &DatabaseTransaction,
    desired: &[Desired],
) -> Result<(), RlsError> {
    let names: Vec<&TableName> = desired.iter().map(|desired| &desired.table).collect();
    let policies = catalog::policies(db, &names).await?;

    for (desired, policies) in desired.iter().zip(&policies) {
        for stale in diff::stale(desired, policies) {
            let sql = sql::comment_on_policy(
                &sql::table(stale.table),
                stale.policy,
                Some(&stale.comment),
            );

            db.execute_unprepared(&sql)
                .await
                .map_err(|error| statement_failure(sql, error))?;
        }
    }

    Ok(())
}
