use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rls_core::doctor::{Doctor, Suppressions};
use rls_core::schema::read::{self, TableSecurity};
use rls_core::{Identifier, Plan, RlsConfig, RlsError, RlsSchema, Scope, TableName, Unmanaged};
use sea_orm_migration::sea_orm::{
    DatabaseConnection, DatabaseTransaction, IsolationLevel, TransactionTrait,
};

use super::{Compared, Report, Role, Table};

/// Reads all that the page tells, in one transaction that is rolled back. It sees the rows of the
/// catalog as they were at its first query, so that all parts of the page are of one moment.
///
/// `pending` is the number of migrations that are not applied.
pub(crate) async fn gather(
    rls: &RlsSchema,
    doctor: &Doctor,
    suppressions: &Suppressions,
    db: &DatabaseConnection,
    pending: usize,
    at: DateTime<Utc>,
) -> Result<Report, RlsError> {
    let transaction = db
        .begin_with_config(Some(IsolationLevel::RepeatableRead), None)
        .await?;
    let report = report(rls, doctor, suppressions, &transaction, pending, at).await;
    transaction.rollback().await?;

    report
}

async fn report(
    rls: &RlsSchema,
    doctor: &Doctor,
    suppressions: &Suppressions,
    db: &DatabaseTransaction,
    pending: usize,
    at: DateTime<Utc>,
) -> Result<Report, RlsError> {
    let (registry, config) = (rls.registry(), rls.config());

    // The server, and how it compares with the entities.
    let server = read::server(db).await?;
    let (compared, plan) = compare(rls, db).await?;

    // The registered tables, and those that have row security besides.
    let scopes = registry.scopes();
    let names: Vec<TableName> = scopes
        .iter()
        .map(|scope| server.found(&scope.table))
        .collect();

    let strange: Vec<TableName> = plan.unmanaged().iter().filter_map(unmanaged).collect();
    let all: Vec<TableName> = names.iter().chain(&strange).cloned().collect();
    let mut actual = read::tables(db, &all).await?;
    let fingerprint = read::fingerprint(&actual.iter().flatten().cloned().collect::<Vec<_>>());
    let unmanaged: Vec<TableSecurity> = actual
        .split_off(names.len())
        .into_iter()
        .flatten()
        .collect();

    let registered = scopes.iter().zip(names).zip(actual);
    let tables: Vec<Table> = registered
        .map(|((scope, name), actual)| table(scope, name, actual, config))
        .collect();

    // The roles that these tables name, and the findings.
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

fn table(
    scope: &Scope,
    name: TableName,
    actual: Option<TableSecurity>,
    config: &RlsConfig,
) -> Table {
    Table {
        desired: scope.desired_policies(config),
        scope: scope.clone(),
        name,
        actual,
    }
}

/// Compares the database with the entities. If it cannot be compared, the page says why.
async fn compare(rls: &RlsSchema, db: &DatabaseTransaction) -> Result<(Compared, Plan), RlsError> {
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

/// Reads the two roles, the connection's role, and the roles that owners, grants and policies name.
async fn roles(
    rls: &RlsSchema,
    db: &DatabaseTransaction,
    login: &Identifier,
    tables: &[Table],
    unmanaged: &[TableSecurity],
) -> Result<Vec<Role>, RlsError> {
    let mut names: Vec<Identifier> = vec![
        rls.config().app_role().clone(),
        rls.config().admin_role().clone(),
    ];

    let actual: Vec<&TableSecurity> = tables
        .iter()
        .filter_map(|table| table.actual.as_ref())
        .chain(unmanaged)
        .collect();

    let owners = actual.iter().map(|table| &table.owner);
    let granted = actual
        .iter()
        .flat_map(|table| table.grants.keys().chain(table.columns.keys()));
    let policies = actual
        .iter()
        .flat_map(|table| &table.policies)
        .flat_map(|policy| &policy.policy.roles);

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

    let actual = read::roles(db, &names).await?;
    let role = |(name, actual): (Identifier, Option<read::RoleSecurity>)| Role { name, actual };

    Ok(names.into_iter().zip(actual).map(role).collect())
}
