//! A plan: the changes that bring the database to what the entities say, in order.

mod breaking;
mod change;

use std::collections::BTreeMap;

use crate::name::{Identifier, TableName};

pub use breaking::Breaking;
pub use change::{
    Change, ColumnChange, DistributionChange, DomainChange, DomainDefinition, ForeignKeyChange,
    FunctionChange, IndexChange, PolicyChange, PrivilegeChange, RecordDefinition, RoleChange,
    RowSecurityChange, SigningChange, TableChange, UsageChange, Verifier,
};

/// The changes in the order in which they are applied, and what stays though no entity declares it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub(crate) changes: Vec<Change>,
    pub(crate) unmanaged: Vec<Unmanaged>,
    pub(crate) passwords: Vec<Identifier>,
    pub(crate) waiting: Vec<TableName>,
    /// The changes that break statements, by their positions.
    pub(crate) breaking: BTreeMap<usize, Breaking>,
}

/// Policies and tables that no entity declares. A plan leaves them as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmanaged {
    /// A policy that was made by hand on a registered table.
    Policy {
        /// The table.
        table: TableName,
        /// The policy.
        policy: Identifier,
    },
    /// A table that has row security and no registered entity.
    Table {
        /// The table.
        table: TableName,
    },
}

impl Plan {
    /// The changes.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Policies and tables that no entity declares. A plan leaves them as they are.
    #[must_use]
    pub fn unmanaged(&self) -> &[Unmanaged] {
        &self.unmanaged
    }

    /// The roles whose configured passwords this login may set and cannot compare with the stored
    /// ones. They are no changes: [`RlsSchema::sync`](crate::RlsSchema::sync) sets them again.
    #[must_use]
    pub fn passwords(&self) -> &[Identifier] {
        &self.passwords
    }

    /// The registered tables that were not compared, since they do not exist yet, or not yet as
    /// their entities declare them ([`MissingTables::Skip`](crate::MissingTables::Skip)).
    #[must_use]
    pub fn waiting(&self) -> &[TableName] {
        &self.waiting
    }

    /// Whether the database is as the entities say, but for the tables that wait for migrations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes that make more rows reachable, each with the reason.
    pub fn weakening(&self) -> impl Iterator<Item = (&Change, &'static str)> {
        self.changes
            .iter()
            .filter_map(|change| Some((change, change.weakens()?)))
    }

    /// The changes by which statements of the version that is running begin to fail, each with what
    /// fails. Changes of tables that nobody uses yet are not among them.
    pub fn breaking(&self) -> impl Iterator<Item = (&Change, Breaking)> {
        let broken = self.breaking.iter();
        broken.filter_map(|(at, breaking)| Some((self.changes.get(*at)?, *breaking)))
    }

    /// The plan that undoes this one, last change first. Roles stay: they belong to the cluster,
    /// and another database may use them.
    #[must_use]
    pub fn reverse(&self) -> Self {
        Self {
            changes: self
                .changes
                .iter()
                .rev()
                .filter_map(Change::reverse)
                .collect(),
            ..Self::default()
        }
    }
}
