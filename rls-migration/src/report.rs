//! A page about a database's row security, for an auditor or a new colleague: plain data, said in
//! words, and laid out as HTML.

mod compare;
mod element;
#[cfg(test)]
mod fixture;
mod gather;
mod ownership;
mod page;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rls_core::doctor::Finding;
use rls_core::schema::read::Origin;
use rls_core::{Change, Identifier, Policy, Privilege, RlsConfig, Scope, TableName};

pub(crate) use gather::gather;
pub(crate) use page::{GENERATOR, html};

/// All that the page tells.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) at: DateTime<Utc>,
    pub(crate) version: String,
    pub(crate) database: Identifier,
    pub(crate) schema: Identifier,
    /// Where administrators are recorded.
    pub(crate) audit: Option<TableName>,
    /// As whom the database was asked.
    pub(crate) login: Identifier,
    pub(crate) config: RlsConfig,
    pub(crate) pending: usize,
    /// The registered tables.
    pub(crate) tables: Vec<Table>,
    /// Tables with row security that no entity is registered for.
    pub(crate) unmanaged: Vec<ActualTable>,
    pub(crate) roles: Vec<Role>,
    pub(crate) compared: Compared,
    pub(crate) findings: Vec<Finding>,
    /// Of all tables together.
    pub(crate) fingerprint: String,
}

/// How the database compares with what the entities say.
#[derive(Clone, Debug)]
pub(crate) enum Compared {
    /// What would be changed, and how many policies lack a fingerprint beside.
    Plan {
        changes: Vec<Change>,
        without_fingerprint: usize,
    },
    /// Why it could not be compared.
    Not(String),
}

/// A registered table: what is asked, and what is there.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) scope: Scope,
    /// The table's name with its schema.
    pub(crate) name: TableName,
    pub(crate) asked: Vec<Policy>,
    /// `None` where the table is not in the database.
    pub(crate) held: Option<ActualTable>,
}

/// What the catalog holds of a table.
#[derive(Clone, Debug)]
pub(crate) struct ActualTable {
    pub(crate) name: TableName,
    pub(crate) owner: Identifier,
    pub(crate) enabled: bool,
    pub(crate) forced: bool,
    pub(crate) policies: Vec<(Policy, Origin)>,
    pub(crate) grants: BTreeMap<Identifier, BTreeSet<Privilege>>,
    pub(crate) fingerprint: String,
}

/// A role that has to do with these tables.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) name: Identifier,
    /// `None` where it does not exist.
    pub(crate) held: Option<ActualRole>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ActualRole {
    pub(crate) attributes: Vec<&'static str>,
    pub(crate) member_of: BTreeSet<Identifier>,
    pub(crate) members: BTreeSet<Identifier>,
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
