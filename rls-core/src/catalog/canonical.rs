//! The canonical form of an expression: what the server prints when it is asked to print what it stored.
//!
//! Two texts can mean one thing and one text can mean two, so text is never compared with text: the desired
//! policies are created on an empty copy of the table, in a savepoint, and the server prints both sides.

use std::collections::BTreeMap;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, TransactionTrait};

use super::query::{at, get, rows};
use super::read::{POLICY_COLUMNS, policy};
use crate::error::{RlsError, SchemaError, sqlstate};
use crate::policy::{Expression, Policy};
use crate::sql;
use crate::table::{Actual, Desired, TableRls};

/// An expression as the server prints it; made from its answers alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Canonical(String);

impl Canonical {
    pub(super) fn printed(text: String) -> Self {
        Self(text)
    }
}

/// The canonical form of what is asked of each table, in the same order.
///
/// Lock taken: `ACCESS SHARE` on each table. Privilege needed: `TEMPORARY` on the database. Nothing remains.
pub(crate) async fn canonical(
    db: &impl TransactionTrait,
    tables: &[(&Desired, &Actual<Canonical>)],
) -> Result<Vec<TableRls<Canonical>>, RlsError> {
    let savepoint = db.begin().await?;
    for (at, (desired, actual)) in tables.iter().enumerate() {
        savepoint.execute_unprepared(&copy(at, desired, actual)).await.map_err(cannot_verify)?;
    }
    let mut canonical: Vec<TableRls<Canonical>> = tables
        .iter()
        .map(|(desired, _)| TableRls {
            enabled: desired.rls.enabled,
            forced: desired.rls.forced,
            policies: BTreeMap::new(),
            default: None,
        })
        .collect();
    for row in rows(&savepoint, of_copies(POLICY_COLUMNS, "JOIN pg_policy p ON p.polrelid = c.oid")).await? {
        let at = at(&row)?;
        let mut policy = policy(&row)?;
        // The copy's policies are for PUBLIC: a role may not exist before the plan is applied.
        policy.roles = tables[at].0.rls.policies.get(&policy.name).map(|asked| asked.roles.clone()).unwrap_or_default();
        canonical[at].policies.insert(policy.name.clone(), policy);
    }
    let defaults = of_copies("pg_get_expr(d.adbin, d.adrelid) AS text", "JOIN pg_attrdef d ON d.adrelid = c.oid");
    for row in rows(&savepoint, defaults).await? {
        canonical[at(&row)?].default = Some(Canonical::printed(get(&row, "text")?));
    }
    sea_orm::TransactionSession::rollback(savepoint).await?;
    Ok(canonical)
}

const COPY: &str = "rls_canonical_";

/// One message that makes an empty copy of a table with the desired policies and default on it.
fn copy(at: usize, desired: &Desired, actual: &Actual<Canonical>) -> String {
    let copy = format!("pg_temp.{COPY}{at}");
    let mut statements = vec![format!("CREATE TEMPORARY TABLE {COPY}{at} (LIKE {})", sql::table(&desired.table))];
    let owner = sql::identifier(&desired.owner);
    if actual.column.is_none() {
        statements.push(format!("ALTER TABLE {copy} ADD COLUMN {owner} {}", desired.key.as_sql()));
    }
    if let Some(default) = &desired.rls.default {
        statements.push(format!("ALTER TABLE {copy} ALTER COLUMN {owner} SET DEFAULT {}", sql::expression(default)));
    }
    for policy in &desired.policies {
        let for_public: Policy<Expression> = Policy { roles: std::collections::BTreeSet::new(), ..policy.clone() };
        statements.push(sql::create_policy(&copy, &for_public));
    }
    statements.join("; ")
}

fn of_copies(columns: &str, join: &str) -> String {
    format!(
        "SELECT substr(c.relname, {}) ::int4 AS at, {columns}
         FROM pg_class c {join}
         WHERE c.relnamespace = pg_my_temp_schema() AND starts_with(c.relname::text, '{COPY}')",
        COPY.len() + 1
    )
}

fn cannot_verify(error: sea_orm::DbErr) -> RlsError {
    match RlsError::from(&error) {
        denied if denied.sqlstate().as_deref() == Some(sqlstate::INSUFFICIENT_PRIVILEGE) => {
            SchemaError::CannotVerify { source: Arc::new(error) }.into()
        }
        other => other,
    }
}
