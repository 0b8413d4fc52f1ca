//! One change: an object, and what becomes of it.

mod column;
mod distribution;
mod domain;
mod foreign_key;
mod function;
mod index;
mod policy;
mod privilege;
mod role;
mod row_security;
mod signing;
mod usage;

use crate::name::{Identifier, Schemas, TableName};

pub use column::ColumnChange;
pub use distribution::DistributionChange;
pub use domain::{DomainChange, DomainDefinition};
pub use foreign_key::ForeignKeyChange;
pub use function::{FunctionChange, RecordDefinition};
pub use index::IndexChange;
pub use policy::PolicyChange;
pub use privilege::PrivilegeChange;
pub use role::{RoleChange, Verifier};
pub use row_security::RowSecurityChange;
pub use signing::SigningChange;
pub use usage::UsageChange;

/// One change; data only, rendered to SQL in one place.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "a plan is short, and is read more than it is moved"
)]
pub enum Change {
    /// A change of a role, which belongs to the whole cluster.
    Role(Identifier, RoleChange),
    /// A change of a table.
    Table(TableName, TableChange),
    /// A change of the privilege `USAGE` on a schema.
    Schema(Identifier, UsageChange),
    /// A change of the privilege `USAGE` on a sequence.
    Sequence(TableName, UsageChange),
    /// A change of a domain that carries a part of a context; its name is like a table's.
    Domain(TableName, DomainChange),
    /// A change of the function of one text that adds a row to the audit table; its name is like a
    /// table's.
    Function(TableName, FunctionChange),
}

/// A change of one table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "a plan is short, and is read more than it is moved"
)]
pub enum TableChange {
    /// A change of a column.
    Column(Identifier, ColumnChange),
    /// A change of a foreign key.
    ForeignKey(ForeignKeyChange),
    /// A change of an index.
    Index(IndexChange),
    /// A change of the table's row security.
    RowSecurity(RowSecurityChange),
    /// A change of a policy.
    Policy(PolicyChange),
    /// A change of the privileges on the table.
    Privilege(PrivilegeChange),
    /// Create the audit table, which holds a row for each of the administrators' transactions.
    CreateAudit,
    /// Drop the audit table, with the rows in it.
    DropAudit,
    /// A change of what verifies signed contexts.
    Signing(SigningChange),
    /// A change of how Citus spreads the table over its nodes.
    Distribution(DistributionChange),
}

impl Change {
    /// Makes a change of a table.
    #[must_use]
    pub fn on(table: TableName, change: impl Into<TableChange>) -> Self {
        Self::Table(table, change.into())
    }

    /// The table it changes; `None` for roles, schemas, sequences, domains and functions.
    #[must_use]
    pub fn table(&self) -> Option<&TableName> {
        match self {
            Self::Table(table, _) => Some(table),
            Self::Role(..)
            | Self::Schema(..)
            | Self::Sequence(..)
            | Self::Domain(..)
            | Self::Function(..) => None,
        }
    }

    /// The reason why the change makes more rows reachable, or columns that were not.
    ///
    /// `None` for a change that does not certainly do so, or that only puts back what was applied
    /// before. No program can tell whether one condition is wider than another: such a change is
    /// shown with both conditions instead.
    #[must_use]
    pub fn weakens(&self) -> Option<&'static str> {
        match self {
            Self::Table(_, TableChange::RowSecurity(change)) => change.weakens(),
            Self::Table(_, TableChange::Policy(change)) => change.weakens(),
            Self::Table(_, TableChange::Privilege(change)) => change.weakens(),
            _ => None,
        }
    }

    /// The change that undoes this one.
    ///
    /// `None` for a role and for an owner, which stay, and for a change that cannot be undone: the
    /// rows of a dropped column or table are gone.
    #[must_use]
    pub fn reverse(&self) -> Option<Self> {
        match self {
            Self::Role(..) => None,
            Self::Table(table, change) => Some(Self::Table(table.clone(), change.reverse()?)),
            Self::Schema(schema, change) => Some(Self::Schema(schema.clone(), change.reverse())),
            Self::Sequence(sequence, change) => {
                Some(Self::Sequence(sequence.clone(), change.reverse()))
            }
            Self::Domain(domain, change) => Some(Self::Domain(domain.clone(), change.reverse()?)),
            Self::Function(function, change) => {
                Some(Self::Function(function.clone(), change.reverse()?))
            }
        }
    }

    /// The same change, with a schema for each table name that has none.
    pub(crate) fn in_schema(&self, schemas: &Schemas) -> Self {
        match self {
            Self::Table(table, change) => {
                Self::Table(table.found_in(schemas), change.in_schema(schemas))
            }
            Self::Sequence(sequence, change) => {
                Self::Sequence(sequence.found_in(schemas), change.clone())
            }
            Self::Domain(domain, change) => Self::Domain(domain.found_in(schemas), change.clone()),
            Self::Function(function, change) => {
                Self::Function(function.found_in(schemas), change.in_schema(schemas))
            }
            Self::Role(..) | Self::Schema(..) => self.clone(),
        }
    }
}

impl TableChange {
    fn reverse(&self) -> Option<Self> {
        Some(match self {
            Self::Column(column, change) => Self::Column(column.clone(), change.reverse()?),
            Self::ForeignKey(change) => Self::ForeignKey(change.reverse()?),
            Self::Index(change) => Self::Index(change.reverse()?),
            Self::RowSecurity(change) => Self::RowSecurity(change.reverse()),
            Self::Policy(change) => Self::Policy(change.reverse()),
            Self::Privilege(change) => Self::Privilege(change.reverse()),
            Self::CreateAudit => Self::DropAudit,
            Self::DropAudit | Self::Distribution(DistributionChange::Undistribute) => return None,
            Self::Signing(change) => Self::Signing(change.reverse()?),
            Self::Distribution(DistributionChange::Distribute { .. }) => {
                Self::Distribution(DistributionChange::Undistribute)
            }
        })
    }

    fn in_schema(&self, schemas: &Schemas) -> Self {
        match self {
            Self::ForeignKey(change) => Self::ForeignKey(change.in_schema(schemas)),
            Self::Policy(change) => Self::Policy(change.in_schema(schemas)),
            other => other.clone(),
        }
    }
}

impl From<ForeignKeyChange> for TableChange {
    fn from(change: ForeignKeyChange) -> Self {
        Self::ForeignKey(change)
    }
}

impl From<SigningChange> for TableChange {
    fn from(change: SigningChange) -> Self {
        Self::Signing(change)
    }
}

impl From<IndexChange> for TableChange {
    fn from(change: IndexChange) -> Self {
        Self::Index(change)
    }
}

impl From<RowSecurityChange> for TableChange {
    fn from(change: RowSecurityChange) -> Self {
        Self::RowSecurity(change)
    }
}

impl From<PolicyChange> for TableChange {
    fn from(change: PolicyChange) -> Self {
        Self::Policy(change)
    }
}

impl From<PrivilegeChange> for TableChange {
    fn from(change: PrivilegeChange) -> Self {
        Self::Privilege(change)
    }
}
