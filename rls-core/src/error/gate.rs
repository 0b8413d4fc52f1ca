use std::fmt;

/// The database would not keep users' rows apart, so the application must not start.
///
/// Its `Debug` is its `Display`: what `main` prints of an error is `Debug`, and the remedies are in
/// the words.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct GateError {
    /// Every reason found.
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

/// One reason why isolation would not hold, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateFinding {
    /// The login sees every row, whatever the policies say.
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
    /// The login owns a table, and an owner can switch its row security off.
    #[error(
        "the login `{role}` owns table `{table}`, or is a member of its owner: let the migrations' \
         role own it, by \
         `ALTER TABLE {} OWNER TO CURRENT_USER` of its",
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
         ON {0} FROM PUBLIC, {1}`, \
         or from the role between them that has it",
        name(table),
        quoted(role)
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
        "row security is not enabled on table `{table}`: run the migrations, or `ALTER TABLE {} \
         ENABLE ROW LEVEL SECURITY`",
        name(table)
    )]
    NotEnabled {
        /// The table.
        table: String,
    },
    /// Row security does not hold for the owner.
    #[error(
        "row security is not forced on table `{table}`: run the migrations, or `ALTER TABLE {} \
         FORCE ROW LEVEL SECURITY`",
        name(table)
    )]
    NotForced {
        /// The table.
        table: String,
    },
    /// Policies are not there.
    #[error(
        "table `{table}` lacks policies that its entity asks for ({missing}): run the migrations"
    )]
    PolicyMissing {
        /// The table.
        table: String,
        /// Their names.
        missing: String,
    },
    /// Policies are not what the entity asks for: the entity has changed, or someone altered them.
    #[error(
        "table `{table}` has policies that are not what its entity asks for, or were altered since \
         ({altered}): see \
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
        "the audit's table `{table}` is missing, or the administrator may not write it: run the \
         migrations, or let \
         administrators act without a record (`RLS_AUDIT=false`, `RlsConfig::danger_no_audit`)"
    )]
    AuditMissing {
        /// The table.
        table: String,
    },
    /// The record of what administrators do can be changed by those whom it is about.
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

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The table as SQL takes it; its schema, where it is said, stands before the first dot.
fn name(table: &str) -> String {
    table.split_once('.').map_or_else(
        || quoted(table),
        |(schema, table)| format!("{}.{}", quoted(schema), quoted(table)),
    )
}
