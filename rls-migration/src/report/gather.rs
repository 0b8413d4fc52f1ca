use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rls_core::doctor::{Doctor, Suppressions};
use rls_core::schema::read::{self, TableSecurity};
use rls_core::{Identifier, Plan, RlsError, RlsSchema, Scope, TableName, Unmanaged};
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::{Compared, Report, Role, Table};

/// Reads all that the page tells, in several transactions that are rolled back: what somebody
/// changes meanwhile may be in one part of the page and not in another.
pub(crate) async fn gather(
    rls: &RlsSchema,
    doctor: &Doctor,
    suppressions: &Suppressions,
    db: &DatabaseConnection,
    pending: usize,
    at: DateTime<Utc>,
) -> Result<Report, RlsError> {
    let (registry, config) = (rls.registry(), rls.config());
    let server = read::server(db).await?;
    let (compared, plan) = compare(rls, db).await?;
    let scopes = registry.scopes();
    let names: Vec<TableName> = scopes
        .iter()
        .map(|scope| server.found(&scope.table))
        .collect();

    let strange: Vec<TableName> = plan.unmanaged().iter().filter_map(unmanaged).collect();
    let all: Vec<TableName> = names.iter().chain(&strange).cloned().collect();
    let mut found = read::tables(db, &all).await?;
    let fingerprint = read::fingerprint(&found.iter().flatten().cloned().collect::<Vec<_>>());
    let unmanaged: Vec<TableSecurity> =
        found.split_off(names.len()).into_iter().flatten().collect();

    let table = |((scope, name), found): ((&Scope, TableName), Option<TableSecurity>)| Table {
        desired: scope.asked_policies(config),
        scope: scope.clone(),
        name,
        actual: found,
    };

    let tables: Vec<Table> = scopes.iter().zip(names).zip(found).map(table).collect();
    let roles = roles(rls, db, &server.login, &tables, &unmanaged).await?;
    let findings = doctor.examine(db).await?.under(suppressions);
    let audit = config.audit().map(|audit| server.found(audit));

    Ok(Report {
        at,
        version: server.version,
        database: server.database,
        audit,
        schema: server.schema,
        login: server.login,
        config: config.clone(),
        pending,
        tables,
        unmanaged,
        roles,
        compared,
        findings: findings.findings().to_vec(),
        fingerprint,
    })
}

/// A database that cannot be brought to what the entities say is told of all the same.
async fn compare(rls: &RlsSchema, db: &DatabaseConnection) -> Result<(Compared, Plan), RlsError> {
    /// `insufficient_privilege`.
    const DENIED: &str = "42501";

    match rls.script(db).await {
        Ok(script) => {
            let changes = script.plan.changes().to_vec();
            let without_fingerprint = if changes.is_empty() {
                script.up.len()
            } else {
                0
            };
            Ok((
                Compared::Plan {
                    changes,
                    without_fingerprint,
                },
                script.plan,
            ))
        }
        Err(error)
            if matches!(error, RlsError::Schema(_))
                || error.sqlstate().as_deref() == Some(DENIED) =>
        {
            Ok((Compared::Not(error.to_string()), Plan::default()))
        }
        Err(error) => Err(error),
    }
}

fn unmanaged(table: &Unmanaged) -> Option<TableName> {
    match table {
        Unmanaged::Table { table } => Some(table.clone()),
        _ => None,
    }
}

/// The two roles, the login that asked, and whom owners, grants and policies name.
async fn roles(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    login: &Identifier,
    tables: &[Table],
    unmanaged: &[TableSecurity],
) -> Result<Vec<Role>, RlsError> {
    let mut names: Vec<Identifier> = vec![
        rls.config().app_role().clone(),
        rls.config().admin_role().clone(),
    ];

    let held: Vec<&TableSecurity> = tables
        .iter()
        .filter_map(|table| table.actual.as_ref())
        .chain(unmanaged)
        .collect();

    let owners = held.iter().map(|held| &held.owner);
    let granted = held.iter().flat_map(|held| held.grants.keys());
    let policies = held
        .iter()
        .flat_map(|held| &held.policies)
        .flat_map(|found| &found.policy.roles);

    let others: BTreeSet<&Identifier> = std::iter::once(login)
        .chain(owners)
        .chain(granted)
        .chain(policies)
        .collect();

    let mut others: Vec<Identifier> = others
        .into_iter()
        .filter(|role| !names.contains(role) && role.as_str() != "public")
        .cloned()
        .collect();

    names.append(&mut others);

    let found = read::roles(db, &names).await?;
    let role = |(name, found): (Identifier, Option<read::RoleSecurity>)| Role {
        name,
        actual: found,
    };

    Ok(names.into_iter().zip(found).map(role).collect())
}
