use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::run::statement_failure;
use crate::error::RlsError;
use crate::name::TableName;
use crate::schema::catalog;
use crate::schema::diff::{self, Table};
use crate::sql;

/// Writes the fingerprints that are missing or outdated.
pub(super) async fn fingerprint(
    db: &DatabaseTransaction,
    tables: &[Table<'_>],
) -> Result<(), RlsError> {
    let names: Vec<&TableName> = tables.iter().map(|table| &table.desired.table).collect();
    let policies = catalog::policies(db, &names).await?;

    for (table, policies) in tables.iter().zip(&policies) {
        for stale in diff::stale(table.desired, policies) {
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
