//! A page about a database's row security, for an auditor or a new colleague: plain data, put into
//! words, and laid out as HTML.

mod compare;
mod element;
#[cfg(test)]
mod fixture;
mod gather;
mod ownership;
mod page;
mod words;

use chrono::{DateTime, Utc};
use rls_core::doctor::Finding;
use rls_core::schema::read::{RoleSecurity, TableSecurity};
use rls_core::{Change, Identifier, Policy, RlsConfig, Scope, TableName};

pub(crate) use gather::gather;
pub(crate) use page::{GENERATOR, html};

/// What the page is made of.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) at: DateTime<Utc>,
    pub(crate) version: String,
    pub(crate) database: Identifier,
    pub(crate) schema: Identifier,
    /// The table that records administrators.
    pub(crate) audit: Option<TableName>,
    /// The role that read the database.
    pub(crate) login: Identifier,
    pub(crate) config: RlsConfig,
    pub(crate) pending: usize,
    /// The registered tables.
    pub(crate) tables: Vec<Table>,
    /// Tables with row security that no entity is registered for.
    pub(crate) unmanaged: Vec<TableSecurity>,
    pub(crate) roles: Vec<Role>,
    pub(crate) compared: Compared,
    pub(crate) findings: Vec<Finding>,
    /// The fingerprint of all tables together.
    pub(crate) fingerprint: String,
}

/// How the database compares with what the entities say.
#[derive(Clone, Debug)]
pub(crate) enum Compared {
    /// What would change. Without changes, some policies may still lack a fingerprint.
    Plan {
        changes: Vec<Change>,
        without_fingerprint: usize,
    },
    /// Why it could not be compared.
    Not(String),
}

/// A registered table: what its entity declares, and what the database has.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) scope: Scope,
    /// The table's name with its schema.
    pub(crate) name: TableName,
    pub(crate) desired: Vec<Policy>,
    /// `None` if the table is not in the database.
    pub(crate) actual: Option<TableSecurity>,
}

/// A role that owns these tables, or is named by their grants or policies.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) name: Identifier,
    /// `None` if it does not exist.
    pub(crate) actual: Option<RoleSecurity>,
}

impl Report {
    pub(crate) fn changes(&self) -> &[Change] {
        match &self.compared {
            Compared::Plan { changes, .. } => changes,
            Compared::Not(_) => &[],
        }
    }

    /// The changes to a table.
    fn changes_of<'a>(&'a self, table: &'a TableName) -> impl Iterator<Item = &'a Change> {
        self.changes()
            .iter()
            .filter(move |change| change.table() == Some(table))
    }
}
