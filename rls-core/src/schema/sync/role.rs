use std::collections::BTreeMap;

use sea_orm::{DatabaseTransaction, TransactionTrait};

use super::run::run;
use crate::config::RlsConfig;
use crate::error::{RlsError, SchemaError};
use crate::name::Identifier;
use crate::schema::catalog::{self, ActualRole};
use crate::schema::diff;
use crate::schema::plan::Change;
use crate::schema::render;

/// How often the roles are compared again after another database's migration changed them
/// meanwhile.
const ROLE_ATTEMPTS: usize = 5;

/// Roles belong to the cluster, so migrations of two databases can meet at them: then the roles are
/// read again.
pub(super) async fn sync_roles(
    db: &DatabaseTransaction,
    config: &RlsConfig,
) -> Result<Vec<Change>, RlsError> {
    let mut attempt = 1;
    loop {
        let roles: BTreeMap<Identifier, ActualRole> = catalog::roles(db, config).await?;
        diff::check_roles(&roles)?;

        let changes = diff::roles(config, &roles);
        if changes.is_empty() {
            return Ok(changes);
        }

        let savepoint = db.begin().await?;
        let mut applied = Ok(());

        for change in &changes {
            applied = run(&savepoint, change).await;
            if applied.is_err() {
                break;
            }
        }

        match applied {
            Ok(()) => {
                savepoint.commit().await?;
                return Ok(changes);
            }
            Err(error) if attempt < ROLE_ATTEMPTS && error.is_concurrent_change() => {
                savepoint.rollback().await?;
                attempt += 1;
            }
            Err(RlsError::Schema(SchemaError::Privilege { source, .. })) => {
                savepoint.rollback().await?;
                let statements = changes.iter().flat_map(render::by_hand).collect();
                return Err(SchemaError::RolesRefused { statements, source }.into());
            }
            Err(error) => return Err(error),
        }
    }
}
