//! Errors of the gate.

use std::fmt;

use crate::name::TableName;
use crate::sql::{self, quoted};

/// The database would not keep the rows of users apart, so the application must not start.
///
/// Its `Debug` is its `Display`, since `main` prints an error by `Debug`, and the text contains the
/// remedies.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct GateError {
    /// Every reason that was found.
    pub findings: Vec<GateFinding>,
}

impl fmt::Debug for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("row-level security would not hold:")?;
        for finding in &self.findings {
            write!(f, "\n- {finding}")?;
        }

        Ok(())
    }
}

/// A reason why isolation would not hold. The text contains the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateFinding {
    /// The login sees every row, since no policy holds for it.
    #[error("{}", bypasses(role, through))]
    Bypasses {
        /// The login.
        role: String,
        /// The role that bypasses.
        through: String,
    },
    /// The login is, or can become, the maintenance administrator.
    #[error(
        "the login `{role}` can become `{admin}`, who sees every row: `REVOKE {} FROM {}`",
        quoted(admin),
        quoted(role)
    )]
    ReachesAdmin {
        /// The login.
        role: String,
        /// The administrator.
        admin: String,
    },
    /// The login owns a table, and an owner can switch row-level security off.
    #[error(
        "the login `{role}` owns table `{table}`, or is a member of its owner: let the migrations' \
         role own it, by `ALTER TABLE {} OWNER TO CURRENT_USER` of its",
        name(table)
    )]
    Owns {
        /// The login.
        role: String,
        /// The table.
        table: String,
    },
    /// The login may truncate a table, which no policy stops.
    #[error(
        "the login `{role}` may truncate table `{table}`, which no policy stops: `REVOKE TRUNCATE \
         ON {0} FROM PUBLIC, {1}`, or from the role between them that has it",
        name(table),
        quoted(role)
    )]
    Truncates {
        /// The login.
        role: String,
        /// The table.
        table: String,
    },
    /// A registered table does not exist, or the login cannot see it.
    #[error("table `{table}` is missing: run the migrations")]
    Missing {
        /// The table.
        table: String,
    },
    /// Row-level security is not enabled on a table.
    #[error(
        "row security is not enabled on table `{table}`: run the migrations, or `ALTER TABLE {} \
         ENABLE ROW LEVEL SECURITY`",
        name(table)
    )]
    NotEnabled {
        /// The table.
        table: String,
    },
    /// Row-level security is not forced on a table, so it does not hold for the owner.
    #[error(
        "row security is not forced on table `{table}`: run the migrations, or `ALTER TABLE {} \
         FORCE ROW LEVEL SECURITY`",
        name(table)
    )]
    NotForced {
        /// The table.
        table: String,
    },
    /// Policies are missing on a table.
    #[error(
        "table `{table}` lacks policies that its entity asks for ({missing}): run the migrations"
    )]
    PolicyMissing {
        /// The table.
        table: String,
        /// Their names.
        missing: String,
    },
    /// Policies are not the desired ones: the entity has changed, or someone altered them.
    #[error(
        "table `{table}` has policies that are not what its entity asks for, or were altered since \
         ({altered}): see what differs (`rls plan`), and run the migrations"
    )]
    PolicyAltered {
        /// The table.
        table: String,
        /// Their names.
        altered: String,
    },
    /// Administrators would leave no record.
    #[error(
        "the audit's table `{table}` is missing, or the administrator may not write it: run the \
         migrations, or let administrators act without a record (`RLS_AUDIT=false`, \
         `RlsConfig::danger_no_audit`)"
    )]
    AuditMissing {
        /// The table.
        table: String,
    },
    /// A login that is recorded could change the record.
    #[error(
        "the role `{role}` may change or forge the audit's table `{table}`: run the migrations, \
         which take that away"
    )]
    AuditOpen {
        /// The role.
        role: String,
        /// The table.
        table: String,
    },
}

fn bypasses(role: &str, through: &str) -> String {
    const POWERS: &str =
        "is a superuser or has BYPASSRLS, CREATEROLE, REPLICATION or the server's files";

    if role == through {
        return format!("the login `{role}` {POWERS}: run the migrations, which take that away");
    }

    format!(
        "the login `{role}` can become `{through}`, which {POWERS}: `REVOKE {} FROM {}`, or from \
         the role between them",
        quoted(through),
        quoted(role)
    )
}

/// The table, quoted. Its schema, if there is one, is before the first dot.
fn name(table: &str) -> String {
    TableName::parse(table).map_or_else(|_| quoted(table), |table| sql::table(&table))
}
