//! The row security of any table as data, whether or not an entity is registered for it.

mod role;
mod server;

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::error::{RlsError, SchemaError};
use crate::model::policy::{Canonical, Policy};
use crate::model::privilege::{Columns, Privilege};
use crate::name::{Identifier, TableName};
use crate::schema::catalog::{self, Security, Session};
use crate::schema::fingerprint;
use crate::schema::table::ActualPolicy;
use crate::sql;

pub use role::{RoleSecurity, roles};
pub use server::{Server, server};

/// The row security of one table, as the catalog has it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableSecurity {
    /// The table, with its schema.
    pub table: TableName,
    /// Its owner.
    pub owner: Identifier,
    /// Whether row security is enabled.
    pub enabled: bool,
    /// Whether row security holds for the table's owner too.
    pub forced: bool,
    /// The policies, ordered by name.
    pub policies: Vec<TablePolicy>,
    /// The privileges by role; `public` is everyone. The owner is among the roles once a privilege
    /// on the table was granted.
    pub grants: BTreeMap<Identifier, BTreeSet<Privilege>>,
    /// The privileges on single columns, by role.
    pub columns: BTreeMap<Identifier, Columns>,
    /// The sequences behind its serial and identity columns.
    pub sequences: Vec<TableName>,
}

impl TableSecurity {
    /// A table without row security, policies or grants.
    #[must_use]
    pub fn new(table: TableName, owner: Identifier) -> Self {
        Self {
            table,
            owner,
            enabled: false,
            forced: false,
            policies: Vec::new(),
            grants: BTreeMap::new(),
            columns: BTreeMap::new(),
            sequences: Vec::new(),
        }
    }

    /// The policy of that name.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&TablePolicy> {
        self.policies
            .iter()
            .find(|actual| actual.policy.name.as_str() == name)
    }

    /// A hash of all of this but comments. If it is another than before, the table's row security
    /// was changed.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let Self {
            table,
            owner,
            enabled,
            forced,
            policies,
            grants,
            columns,
            sequences,
        } = self;

        let names = [
            sql::table(table),
            owner.to_string(),
            format!("{enabled} {forced}"),
        ];

        let policies = policies.iter().flat_map(|TablePolicy { policy, .. }| {
            [policy.name.to_string(), fingerprint::desired(policy)]
        });

        let grants = grants.iter().flat_map(|(role, privileges)| {
            let privileges: Vec<&str> = privileges.iter().map(|it| it.as_sql()).collect();
            [role.to_string(), privileges.join(" ")]
        });

        let sequences = sequences.iter().map(sql::table);

        // Only if there are any, so that without them it is the hash of earlier versions.
        let columns = columns.iter().flat_map(|(role, columns)| {
            columns.iter().flat_map(move |(privilege, columns)| {
                let columns = columns.iter().map(sql::identifier);
                let head = [
                    String::new(),
                    role.to_string(),
                    privilege.as_sql().to_owned(),
                ];
                head.into_iter().chain(columns)
            })
        });

        // Each list ends with an empty text; no name is empty.
        let end = || std::iter::once(String::new());

        fingerprint::listed(
            names
                .into_iter()
                .chain(policies)
                .chain(end())
                .chain(grants)
                .chain(end())
                .chain(sequences)
                .chain(columns),
        )
    }
}

/// A policy in the catalog.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TablePolicy {
    /// The policy, its conditions as the server prints them, with every name outside `pg_catalog`
    /// qualified.
    pub policy: Policy,
    /// Who made it.
    pub origin: Origin,
}

impl TablePolicy {
    /// A policy of this origin.
    #[must_use]
    pub fn new(policy: Policy, origin: Origin) -> Self {
        Self { policy, origin }
    }
}

/// Who made a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It has no fingerprint: this library did not make it.
    ByHand,
    /// This library made it, and nobody has changed it since.
    Applied,
    /// This library made it, and someone has changed it since.
    Altered,
}

/// Reads every table that has row security or policies in these schemas; in the current schema if
/// none is given.
///
/// Statements sent: catalog queries. Lock taken: none. Privilege needed: none.
///
/// # Errors
///
/// [`RlsError::Backend`], [`RlsError::Database`], [`SchemaError::Catalog`].
pub async fn secured_tables<C>(
    db: &C,
    schemas: &[Identifier],
) -> Result<Vec<TableSecurity>, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let (transaction, session) = Session::reading(db).await?;
    let schemas = if schemas.is_empty() {
        std::slice::from_ref(&session.schemas.current)
    } else {
        schemas
    };

    let secured = catalog::secured(&transaction, &schemas.iter().collect::<Vec<_>>()).await;
    transaction.rollback().await?;

    Ok(secured?.into_iter().map(TableSecurity::from).collect())
}

/// Reads these tables, in the same order; `None` stands for a name that is of no table. A name
/// without a schema is found by `search_path`, as statements find it.
///
/// Statements sent: catalog queries. Lock taken: none. Privilege needed: none.
///
/// # Errors
///
/// [`RlsError::Backend`], [`RlsError::Database`], [`SchemaError::Catalog`].
pub async fn tables<C>(db: &C, tables: &[TableName]) -> Result<Vec<Option<TableSecurity>>, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let (transaction, session) = Session::reading(db).await?;
    let tables: Vec<TableName> = tables
        .iter()
        .map(|table| table.found_in(&session.schemas))
        .collect();

    let named = catalog::named(&transaction, &tables.iter().collect::<Vec<_>>()).await;
    transaction.rollback().await?;

    let mut named: BTreeMap<TableName, TableSecurity> = named?
        .into_iter()
        .map(|security| (security.table.clone(), security.into()))
        .collect();

    Ok(tables.iter().map(|table| named.remove(table)).collect())
}

/// Reads one table.
///
/// Statements sent: catalog queries. Lock taken: none. Privilege needed: none.
///
/// # Errors
///
/// [`SchemaError::NoTable`] if there is no such table; [`RlsError::Backend`],
/// [`RlsError::Database`].
pub async fn table<C>(db: &C, table: &TableName) -> Result<TableSecurity, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let security = tables(db, std::slice::from_ref(table))
        .await?
        .pop()
        .flatten();

    security.ok_or_else(|| {
        SchemaError::NoTable {
            table: table.to_string(),
        }
        .into()
    })
}

/// A hash of all these tables, in their order: one word for the row security of a whole database.
#[must_use]
pub fn fingerprint(tables: &[TableSecurity]) -> String {
    fingerprint::listed(tables.iter().map(TableSecurity::fingerprint))
}

impl From<Security> for TableSecurity {
    fn from(security: Security) -> Self {
        let Security {
            table,
            owner,
            enabled,
            forced,
            policies,
            grants,
            columns,
            sequences,
        } = security;

        let policies = policies.into_values().map(TablePolicy::from).collect();

        Self {
            table,
            owner,
            enabled,
            forced,
            policies,
            grants,
            columns,
            sequences,
        }
    }
}

impl From<ActualPolicy> for TablePolicy {
    fn from(actual: ActualPolicy) -> Self {
        let origin = match actual.fingerprint {
            None => Origin::ByHand,
            Some(_) if actual.is_unaltered() => Origin::Applied,
            Some(_) => Origin::Altered,
        };

        Self {
            policy: actual.policy.map(Canonical::to_expression),
            origin,
        }
    }
}
