use sea_orm::{DatabaseTransaction, TransactionTrait};

use super::run::run;
use crate::config::RlsConfig;
use crate::error::{RlsError, SchemaError};
use crate::schema::catalog;
use crate::schema::diff::{self, Passwords};
use crate::schema::plan::Change;
use crate::schema::render;

/// How often the roles are compared, if another database's migration changes them meanwhile.
const ROLE_ATTEMPTS: usize = 5;

/// Reads and compares the two roles.
pub(super) async fn role_changes(
    db: &DatabaseTransaction,
    config: &RlsConfig,
) -> Result<Vec<Change>, RlsError> {
    let roles = catalog::roles(db, config).await?;
    diff::check_roles(&roles)?;

    Ok(diff::roles(config, &roles, Passwords::Set))
}

/// Applies changes of roles, and returns what was applied. Roles belong to the cluster, so
/// migrations of two databases can change the same role: then the roles are read again.
pub(super) async fn apply_roles(
    db: &DatabaseTransaction,
    config: &RlsConfig,
    mut changes: Vec<Change>,
) -> Result<Vec<Change>, RlsError> {
    let mut attempt = 1;
    while !changes.is_empty() {
        let savepoint = db.begin().await?;
        match run_all(&savepoint, &changes).await {
            Ok(()) => {
                savepoint.commit().await?;
                break;
            }
            Err(error) if attempt < ROLE_ATTEMPTS && error.is_concurrent_change() => {
                savepoint.rollback().await?;
                attempt += 1;
                changes = role_changes(db, config).await?;
            }
            Err(RlsError::Schema(SchemaError::Privilege { source, .. })) => {
                savepoint.rollback().await?;
                let statements = changes.iter().flat_map(render::by_hand).collect();
                return Err(SchemaError::RolesRefused { statements, source }.into());
            }
            Err(error) => return Err(error),
        }
    }

    Ok(changes)
}

async fn run_all(db: &DatabaseTransaction, changes: &[Change]) -> Result<(), RlsError> {
    for change in changes {
        run(db, change).await?;
    }

    Ok(())
}
