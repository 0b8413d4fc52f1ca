//! A plan: the changes that bring the database to what the entities say, in order.

use std::collections::BTreeSet;
use std::fmt;

use crate::name::{Identifier, TableName};
use crate::policy::{Expression, Policy};
use crate::scope::{ForeignKey, KeyType};
use crate::sql;
use crate::table::Privilege;

/// One change; data only, rendered to SQL in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Create a role that logs in.
    CreateRole {
        /// The role.
        role: Identifier,
        /// The password's SCRAM verifier.
        verifier: Option<Verifier>,
    },
    /// Give a role the attributes it lacks.
    AlterRole {
        /// The role.
        role: Identifier,
        /// The attributes, as `CREATE ROLE` spells them.
        attributes: Vec<&'static str>,
        /// The password's SCRAM verifier.
        verifier: Option<Verifier>,
    },
    /// End a membership between the two roles.
    RevokeMembership {
        /// The role.
        role: Identifier,
        /// Its member.
        member: Identifier,
    },
    /// Add the owner column, filling existing rows.
    AddOwnerColumn {
        /// The table.
        table: TableName,
        /// The column.
        column: Identifier,
        /// Its type.
        key: KeyType,
        /// The owner of existing rows.
        backfill: Option<String>,
    },
    /// Let the owner column refuse NULL, filling rows that have it.
    SetNotNull {
        /// The table.
        table: TableName,
        /// The column.
        column: Identifier,
        /// The owner of rows without one.
        backfill: Option<String>,
    },
    /// Set the owner column's default.
    SetDefault {
        /// The table.
        table: TableName,
        /// The column.
        column: Identifier,
        /// The default.
        default: Expression,
    },
    /// Drop a foreign key whose action is not the one asked for.
    DropForeignKey {
        /// The table.
        table: TableName,
        /// The constraint.
        name: Identifier,
    },
    /// Add the foreign key to the identity.
    AddForeignKey {
        /// The table.
        table: TableName,
        /// The column.
        column: Identifier,
        /// Where it refers to.
        foreign_key: ForeignKey,
    },
    /// Create the index that leads with the owner.
    CreateIndex {
        /// The table.
        table: TableName,
        /// Its columns.
        columns: Vec<Identifier>,
    },
    /// Enable or disable row security.
    EnableRowSecurity {
        /// The table.
        table: TableName,
        /// On or off.
        enable: bool,
    },
    /// Force row security on the table's owner, or no longer.
    ForceRowSecurity {
        /// The table.
        table: TableName,
        /// On or off.
        force: bool,
    },
    /// Drop a policy that is not as asked.
    DropPolicy {
        /// The table.
        table: TableName,
        /// The policy.
        name: Identifier,
    },
    /// Create a policy.
    CreatePolicy {
        /// The table.
        table: TableName,
        /// The policy.
        policy: Policy<Expression>,
    },
    /// Take privileges on a table away.
    Revoke {
        /// The table.
        table: TableName,
        /// From whom.
        role: Identifier,
        /// What.
        privileges: BTreeSet<Privilege>,
    },
    /// Grant `USAGE` on a schema.
    GrantSchema {
        /// The schema.
        schema: Identifier,
        /// To whom.
        role: Identifier,
    },
    /// Grant privileges on a table.
    Grant {
        /// The table.
        table: TableName,
        /// To whom.
        role: Identifier,
        /// What.
        privileges: BTreeSet<Privilege>,
    },
    /// Grant `USAGE` on a sequence.
    GrantSequence {
        /// The sequence.
        sequence: TableName,
        /// To whom.
        role: Identifier,
    },
}

/// A password as PostgreSQL stores it; shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier(pub(crate) String);

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The changes, in the order in which they are applied; printed as SQL, with passwords left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub(crate) changes: Vec<Change>,
}

impl Plan {
    /// The changes.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether the database is as the entities say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            for statement in sql::change(change) {
                writeln!(f, "{};", statement.shown)?;
            }
        }
        Ok(())
    }
}
