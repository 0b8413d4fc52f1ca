use std::collections::{BTreeMap, BTreeSet};

use sea_orm::DatabaseTransaction;

use super::audit::audit;
use super::distribution::{self, is_citus};
use super::domain::{domains, recorder};
use super::granted::{by_default, schema_usage};
use super::read::{others, read};
use super::role::roles;
use super::signing::signing;
use crate::error::RlsError;
use crate::model::context_domain::ContextDomain;
use crate::name::TableName;
use crate::schema::desired::Desired;
use crate::schema::snapshot::{ActualAudit, Snapshot};
use crate::schema::used::UsedNames;

/// Reads what the catalog holds of all that is desired; only the server's print of the desired
/// policies ([`canonical`](super::canonical())) is left out.
///
/// Lock taken: none. Privilege needed: `TEMPORARY` on the database, for the audit table.
pub(crate) async fn snapshot(
    db: &DatabaseTransaction,
    desired: &Desired<'_>,
) -> Result<Snapshot, RlsError> {
    let config = desired.config;
    let names: Vec<&TableName> = desired.names().collect();

    let roles = roles(db, config).await?;
    let mut relations = read(db, &names, config).await?;
    let is_citus = is_citus(db).await?;
    if is_citus {
        distribution::read(db, &mut relations).await?;
    }

    let others = others(db, &names).await?;
    let schema_usage = schema_usage(db, [config.app_role(), config.admin_role()]).await?;
    let audit = match &desired.audit {
        Some(table) => audit(db, table, config).await?,
        None => ActualAudit::Missing,
    };

    let function = desired.domains.name(&ContextDomain::Record);
    let recorder = match &desired.record() {
        Some(record) => recorder(db, &function, record, config).await?,
        None => None,
    };
    let by_default = by_default(db, function.schema.as_ref()).await?;
    let domains = domains(db, &desired.domains, config).await?;

    let signing = match &desired.verified {
        Some(verified) => Some(signing(db, verified, config).await?),
        None => None,
    };

    Ok(Snapshot {
        roles,
        relations,
        others,
        schema_usage,
        audit,
        by_default,
        domains,
        recorder,
        signing,
        is_citus,
        canonical: BTreeMap::new(),
        used: UsedNames::default(),
        unready: BTreeSet::new(),
    })
}
