use std::collections::BTreeSet;
use std::fmt;

use crate::model::expression::Expression;
use crate::model::key::KeyType;
use crate::model::policy::Policy;
use crate::model::privilege::Privilege;
use crate::model::scope::ForeignKey;
use crate::name::{Identifier, TableName};

/// One change; data only, rendered to SQL in one place.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "a plan is short, and is read more than it is moved"
)]
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
        /// Who granted it, since PostgreSQL 16, which takes away only what the one who is named
        /// granted.
        grantor: Option<Identifier>,
    },
    /// Let a member no longer have what a role may do without becoming it: since PostgreSQL 16 that
    /// is the membership's to say, and not the member's attributes'.
    EndInheritance {
        /// The role.
        role: Identifier,
        /// Its member.
        member: Identifier,
        /// Who granted the membership.
        grantor: Identifier,
    },
    /// Do not force row security while the changes up to [`Change::RestoreForce`] read the table's
    /// rows: it holds for the login that owns it too, and would hide them. In one transaction, and
    /// the application's role is held throughout.
    LiftForce {
        /// The table.
        table: TableName,
    },
    /// Force row security again.
    RestoreForce {
        /// The table.
        table: TableName,
    },
    /// Add a column that names the user or tenant, filling existing rows.
    AddOwnerColumn {
        /// The table.
        table: TableName,
        /// The column.
        column: Identifier,
        /// Its type.
        key: KeyType,
        /// The value of existing rows.
        backfill: Option<String>,
    },
    /// Drop a column that was added.
    DropColumn {
        /// The table.
        table: TableName,
        /// The column.
        column: Identifier,
    },
    /// Let the column refuse NULL, filling rows that have it.
    SetNotNull {
        /// The table.
        table: TableName,
        /// The column.
        column: Identifier,
        /// The value of rows without one.
        backfill: Option<String>,
        /// The constraint that holds for new rows already, and is `NOT VALID` for those of before
        /// (since PostgreSQL 18).
        unproven: Option<Identifier>,
    },
    /// Let the column take NULL again.
    DropNotNull {
        /// The table.
        table: TableName,
        /// The column.
        column: Identifier,
    },
    /// Set the column's default.
    SetDefault {
        /// The table.
        table: TableName,
        /// The column.
        column: Identifier,
        /// The default; none drops it.
        default: Option<Expression>,
        /// What it was.
        was: Option<Expression>,
    },
    /// Drop a foreign key whose action is not the one asked for.
    DropForeignKey {
        /// The table.
        table: TableName,
        /// The constraint.
        name: Identifier,
        /// The constraint, as `pg_get_constraintdef` prints it.
        definition: String,
    },
    /// Add a foreign key as it was.
    RestoreForeignKey {
        /// The table.
        table: TableName,
        /// The constraint.
        name: Identifier,
        /// The constraint, as `pg_get_constraintdef` printed it.
        definition: String,
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
    /// Check the rows that were there before a foreign key.
    ValidateForeignKey {
        /// The table.
        table: TableName,
        /// The constraint.
        name: Identifier,
        /// The table it refers to.
        parent: TableName,
    },
    /// Create an index that the policies need.
    CreateIndex {
        /// The table.
        table: TableName,
        /// Its columns.
        columns: Vec<Identifier>,
        /// The boolean column whose rows alone it holds.
        only: Option<Identifier>,
    },
    /// Drop an index that was created.
    DropIndex {
        /// The table.
        table: TableName,
        /// Its columns.
        columns: Vec<Identifier>,
        /// The boolean column whose rows alone it holds.
        only: Option<Identifier>,
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
    /// Drop a policy that is no longer asked for, or cannot be altered to what is.
    DropPolicy {
        /// The table.
        table: TableName,
        /// The policy, as the server prints it.
        policy: Policy,
        /// Whether others of its kind hold for its commands afterwards.
        replaced: bool,
    },
    /// Create a policy.
    CreatePolicy {
        /// The table.
        table: TableName,
        /// The policy.
        policy: Policy,
    },
    /// Alter the roles and conditions of a policy.
    AlterPolicy {
        /// The table.
        table: TableName,
        /// The policy, as the server prints it.
        was: Policy,
        /// The policy.
        policy: Policy,
        /// Whether it only puts back what was asked for and applied before, and altered by hand
        /// since.
        mends: bool,
    },
    /// Rename a policy.
    RenamePolicy {
        /// The table.
        table: TableName,
        /// Its name.
        was: Identifier,
        /// Its new name.
        name: Identifier,
    },
    /// Comment on a policy.
    CommentPolicy {
        /// The table.
        table: TableName,
        /// The policy.
        name: Identifier,
        /// The comment, without fingerprints.
        comment: Option<String>,
        /// What it was.
        was: Option<String>,
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
    /// Grant privileges on a table.
    Grant {
        /// The table.
        table: TableName,
        /// To whom.
        role: Identifier,
        /// What.
        privileges: BTreeSet<Privilege>,
    },
    /// Create the table that holds a row for each of the administrators' transactions.
    CreateAudit {
        /// The table.
        table: TableName,
    },
    /// Drop that table, with what it holds.
    DropAudit {
        /// The table.
        table: TableName,
    },
    /// Grant a privilege on columns.
    GrantColumns {
        /// The table.
        table: TableName,
        /// To whom.
        role: Identifier,
        /// What.
        privilege: Privilege,
        /// On which.
        columns: BTreeSet<Identifier>,
    },
    /// Take a privilege on columns away.
    RevokeColumns {
        /// The table.
        table: TableName,
        /// From whom.
        role: Identifier,
        /// What.
        privilege: Privilege,
        /// On which.
        columns: BTreeSet<Identifier>,
    },
    /// Grant `USAGE` on a schema.
    GrantSchema {
        /// The schema.
        schema: Identifier,
        /// To whom.
        role: Identifier,
    },
    /// Take `USAGE` on a schema away.
    RevokeSchema {
        /// The schema.
        schema: Identifier,
        /// From whom.
        role: Identifier,
    },
    /// Grant `USAGE` on a sequence.
    GrantSequence {
        /// The sequence.
        sequence: TableName,
        /// To whom.
        role: Identifier,
    },
    /// Take `USAGE` on a sequence away.
    RevokeSequence {
        /// The sequence.
        sequence: TableName,
        /// From whom.
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

impl Change {
    /// The table it changes; `None` for roles, schemas and sequences.
    #[must_use]
    pub fn table(&self) -> Option<&TableName> {
        match self {
            Self::LiftForce { table }
            | Self::RestoreForce { table }
            | Self::AddOwnerColumn { table, .. }
            | Self::DropColumn { table, .. }
            | Self::SetNotNull { table, .. }
            | Self::DropNotNull { table, .. }
            | Self::SetDefault { table, .. }
            | Self::DropForeignKey { table, .. }
            | Self::RestoreForeignKey { table, .. }
            | Self::AddForeignKey { table, .. }
            | Self::ValidateForeignKey { table, .. }
            | Self::CreateIndex { table, .. }
            | Self::DropIndex { table, .. }
            | Self::EnableRowSecurity { table, .. }
            | Self::ForceRowSecurity { table, .. }
            | Self::DropPolicy { table, .. }
            | Self::CreatePolicy { table, .. }
            | Self::AlterPolicy { table, .. }
            | Self::RenamePolicy { table, .. }
            | Self::CommentPolicy { table, .. }
            | Self::Revoke { table, .. }
            | Self::Grant { table, .. }
            | Self::CreateAudit { table }
            | Self::DropAudit { table }
            | Self::GrantColumns { table, .. }
            | Self::RevokeColumns { table, .. } => Some(table),
            Self::CreateRole { .. }
            | Self::AlterRole { .. }
            | Self::RevokeMembership { .. }
            | Self::EndInheritance { .. }
            | Self::GrantSchema { .. }
            | Self::RevokeSchema { .. }
            | Self::GrantSequence { .. }
            | Self::RevokeSequence { .. } => None,
        }
    }
}
