use std::fmt;

/// The database would not keep users' rows apart, so the application must not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct GateError {
    /// Every reason found.
    pub findings: Vec<GateFinding>,
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

/// One reason why isolation would not hold, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateFinding {
    /// The login sees every row, whatever the policies say.
    #[error(
        "the login `{role}` is, or can become, `{through}`, which is a superuser or has BYPASSRLS, CREATEROLE, \
         REPLICATION or the server's files: log in as a role of its own, such as the one the migration makes"
    )]
    Bypasses {
        /// The login.
        role: String,
        /// The role that bypasses.
        through: String,
    },
    /// The login is, or can become, the maintenance administrator.
    #[error("the login `{role}` can become `{admin}`, who sees every row: `REVOKE \"{admin}\" FROM \"{role}\"`")]
    ReachesAdmin {
        /// The login.
        role: String,
        /// The administrator.
        admin: String,
    },
    /// The login owns a table, and an owner can switch its row security off.
    #[error("the login `{role}` owns table `{table}`, or is a member of its owner: let the migrations' role own it")]
    Owns {
        /// The login.
        role: String,
        /// The table.
        table: String,
    },
    /// The login may truncate a table, which no policy stops.
    #[error(
        "the login `{role}` may truncate table `{table}`, which no policy stops: `REVOKE TRUNCATE ON {table} FROM PUBLIC`, or from the role that has it"
    )]
    Truncates {
        /// The login.
        role: String,
        /// The table.
        table: String,
    },
    /// A registered table is not there, or hidden from the login.
    #[error("table `{table}` is missing: run the migrations")]
    Missing {
        /// The table.
        table: String,
    },
    /// Row security is off.
    #[error(
        "row security is not enabled on table `{table}`: run the migrations, or `ALTER TABLE {table} ENABLE ROW LEVEL SECURITY`"
    )]
    NotEnabled {
        /// The table.
        table: String,
    },
    /// Row security does not hold for the owner.
    #[error(
        "row security is not forced on table `{table}`: run the migrations, or `ALTER TABLE {table} FORCE ROW LEVEL SECURITY`"
    )]
    NotForced {
        /// The table.
        table: String,
    },
    /// Policies are not there.
    #[error("table `{table}` lacks policies that its entity asks for ({missing}): run the migrations")]
    PolicyMissing {
        /// The table.
        table: String,
        /// Their names.
        missing: String,
    },
    /// Policies are not what the entity asks for: the entity has changed, or someone altered them.
    #[error(
        "table `{table}` has policies that are not what its entity asks for, or were altered since ({altered}): see \
         what differs (`rls plan`), and run the migrations"
    )]
    PolicyAltered {
        /// The table.
        table: String,
        /// Their names.
        altered: String,
    },
    /// What administrators do would leave no record.
    #[error(
        "the audit's table `{table}` is missing, or the administrator may not write it: run the migrations, or let \
         administrators act without a record (`RLS_AUDIT=false`, `RlsConfig::danger_no_audit`)"
    )]
    AuditMissing {
        /// The table.
        table: String,
    },
    /// The record of what administrators do can be changed by those whom it is about.
    #[error(
        "the role `{role}` may change or forge the audit's table `{table}`: run the migrations, which take that away"
    )]
    AuditOpen {
        /// The role.
        role: String,
        /// The table.
        table: String,
    },
}
