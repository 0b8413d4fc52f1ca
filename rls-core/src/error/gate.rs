use std::fmt;

use crate::debug::debug_is_display;
use crate::name::{Identifier, TableName};
use crate::sql;

/// The database would not keep users' rows apart, so the application must not start.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct GateError {
    /// Every reason found.
    pub findings: Vec<GateFinding>,
}

debug_is_display!(GateError);

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
        role: Identifier,
        /// The role that bypasses.
        through: Identifier,
    },
    /// The login is, or can become, the maintenance administrator.
    #[error(
        "the login `{role}` can become `{admin}`, who sees every row: `REVOKE {} FROM {}`",
        sql::identifier(admin),
        sql::identifier(role)
    )]
    ReachesAdmin {
        /// The login.
        role: Identifier,
        /// The administrator.
        admin: Identifier,
    },
    /// The login owns a table, and an owner can switch its row security off.
    #[error(
        "the login `{role}` owns table `{table}`, or is a member of its owner: as the migrations' \
         login, run `ALTER TABLE {} OWNER TO CURRENT_USER`",
        sql::table(table)
    )]
    Owns {
        /// The login.
        role: Identifier,
        /// The table.
        table: TableName,
    },
    /// The login may truncate a table, which no policy stops.
    #[error(
        "the login `{role}` may truncate table `{table}`, which no policy stops: `REVOKE TRUNCATE \
         ON {0} FROM PUBLIC, {1}`, \
         or from the role between them that has it",
        sql::table(table),
        sql::identifier(role)
    )]
    Truncates {
        /// The login.
        role: Identifier,
        /// The table.
        table: TableName,
    },
    /// A registered table is not there, or hidden from the login.
    #[error("table `{table}` is missing: run the migrations")]
    Missing {
        /// The table.
        table: TableName,
    },
    /// Row security is off.
    #[error(
        "row security is not enabled on table `{table}`: run the migrations, or `ALTER TABLE {} \
         ENABLE ROW LEVEL SECURITY`",
        sql::table(table)
    )]
    NotEnabled {
        /// The table.
        table: TableName,
    },
    /// Row security does not hold for the owner.
    #[error(
        "row security is not forced on table `{table}`: run the migrations, or `ALTER TABLE {} \
         FORCE ROW LEVEL SECURITY`",
        sql::table(table)
    )]
    NotForced {
        /// The table.
        table: TableName,
    },
    /// Policies are missing.
    #[error(
        "table `{table}` lacks policies that its entity declares ({missing}): run the migrations"
    )]
    PolicyMissing {
        /// The table.
        table: TableName,
        /// Their names.
        missing: String,
    },
    /// Policies are not as the entity declares them: it has changed, or someone altered them.
    #[error(
        "table `{table}` has policies that differ from what its entity declares, or were altered since \
         ({altered}): see \
         what differs (`rls plan`), and run the migrations"
    )]
    PolicyAltered {
        /// The table.
        table: TableName,
        /// Their names.
        altered: String,
    },
    /// Domains that carry contexts are missing.
    #[error("the domains that carry contexts are missing ({missing}): run the migrations")]
    DomainMissing {
        /// Their names.
        missing: String,
    },
    /// Domains that carry contexts, or the function of the one that records, are not as this
    /// version makes them.
    #[error(
        "the domains that carry contexts differ from what this version makes, or were altered \
         since ({altered}): see what differs (`rls plan`), and run the migrations"
    )]
    DomainAltered {
        /// Their names.
        altered: String,
    },
    /// The login owns a domain, and an owner can change what it sets.
    #[error(
        "the login `{role}` owns domain `{domain}`, or is a member of its owner, and could change \
         the context that it carries: run the migrations, or `ALTER DOMAIN {} OWNER TO \
         CURRENT_USER` as a superuser",
        sql::table(domain)
    )]
    OwnsDomain {
        /// The login.
        role: Identifier,
        /// The domain.
        domain: TableName,
    },
    /// The login owns the function that adds to the audit's table, and an owner can replace it.
    #[error(
        "the login `{role}` owns function `{function}`, or is a member of its owner, and could \
         leave out the record of administrators: run the migrations, or `ALTER FUNCTION {}(text) \
         OWNER TO CURRENT_USER` as a superuser",
        sql::table(function)
    )]
    OwnsFunction {
        /// The login.
        role: Identifier,
        /// The function.
        function: TableName,
    },
    /// The domains that carry contexts are others than when the program connected, or may no longer
    /// be used.
    #[error(
        "the domains that carry contexts, or the right to execute `set_config`, have changed since \
         this program connected, and its statements fail: restart it"
    )]
    DomainsChanged,
    /// Administrators would leave no record.
    #[error(
        "the audit's table `{table}` is missing, or the administrator may not write it: run the \
         migrations, or let \
         administrators act without a record (`RLS_AUDIT=false`, `RlsConfig::danger_no_audit`)"
    )]
    AuditMissing {
        /// The table.
        table: TableName,
    },
    /// One of the two roles could change or forge the record of the administrators' transactions.
    #[error(
        "the role `{role}` may change or forge the audit's table `{table}`: run the migrations, \
         which take that away"
    )]
    AuditOpen {
        /// The role.
        role: Identifier,
        /// The table.
        table: TableName,
    },
}

fn bypasses(role: &Identifier, through: &Identifier) -> String {
    const POWERS: &str =
        "is a superuser or has BYPASSRLS, CREATEROLE, REPLICATION or the server's files";

    if role == through {
        return format!(
            "the login `{role}` {POWERS}: use a role of the application's own (`RLS_APP_USER`), \
             which the migrations create. If this one is, let a superuser run `ALTER ROLE {} \
             NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION`",
            sql::identifier(role)
        );
    }

    format!(
        "the login `{role}` can become `{through}`, which {POWERS}: `REVOKE {} FROM {}`, or from \
         the role between them",
        sql::identifier(through),
        sql::identifier(role)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedy_quotes_names_with_dots_and_quotes() {
        let name = |name| Identifier::new(name).unwrap();
        let table = |schema: Option<_>, table| TableName {
            schema: schema.map(name),
            table: name(table),
        };

        let finding = GateFinding::NotEnabled {
            table: table(None, "a.b"),
        };
        assert!(
            finding.to_string().contains("`ALTER TABLE \"a.b\" ENABLE"),
            "{finding}"
        );

        let finding = GateFinding::Truncates {
            role: name("r\"x"),
            table: table(Some("s.1"), "t"),
        };
        assert!(
            finding
                .to_string()
                .contains("ON \"s.1\".\"t\" FROM PUBLIC, \"r\"\"x\""),
            "{finding}"
        );
    }
}
