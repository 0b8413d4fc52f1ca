use std::fmt;

use crate::debug::debug_is_display;
use crate::model::privilege::Privilege;
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
        "the login `{role}` can become `{admin}`, who sees every row: as a superuser, run `REVOKE \
         {} FROM {}`, and restart the programs, whose prepared statements keep what they saw",
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
        "the login `{role}` owns table `{table}`, or is a member of its owner: {}",
        give(&format!("TABLE {}", sql::table(table)), migrations.as_ref())
    )]
    Owns {
        /// The login.
        role: Identifier,
        /// The table.
        table: TableName,
        /// The role of the migrations, if the tables tell it.
        migrations: Option<Identifier>,
    },
    /// The login may truncate a table, which no policy stops.
    #[error(
        "the login `{role}` may truncate table `{table}`, which no policy stops: as its owner \
         `{owner}`, run `REVOKE TRUNCATE ON {0} FROM PUBLIC, {1}`, or from the role between them \
         that has it",
        sql::table(table),
        sql::identifier(role)
    )]
    Truncates {
        /// The login.
        role: Identifier,
        /// The table.
        table: TableName,
        /// Its owner.
        owner: Identifier,
    },
    /// The login may write columns that its entity does not name.
    #[error(
        "the login `{role}` may {} columns of table `{table}` that its entity does not name ({}): run \
         the migrations; if PUBLIC has the right, or a role that `{role}` is a member of, as the \
         table's owner `{owner}` run `REVOKE {} ON {table_sql} FROM` that one",
        privilege.as_sql(),
        listed(columns),
        privilege.as_sql(),
        table_sql = sql::table(table)
    )]
    ColumnsBeyond {
        /// The login.
        role: Identifier,
        /// The table.
        table: TableName,
        /// Its owner.
        owner: Identifier,
        /// The privilege.
        privilege: Privilege,
        /// The columns.
        columns: Vec<Identifier>,
    },
    /// A registered table is not there, or hidden from the login.
    #[error("table `{table}` is missing: run the migrations")]
    Missing {
        /// The table.
        table: TableName,
    },
    /// A schema with the name of the login hides the table that the migrations protect.
    #[error(
        "the login `{role}` finds `{table}` by the name `{}`, since that schema has the login's \
         name, and the migrations find another table, or none: as its owner `{owner}`, run `ALTER \
         TABLE {} RENAME TO …`, or drop it",
        table.table,
        sql::table(table)
    )]
    Shadowed {
        /// The login.
        role: Identifier,
        /// The table that it finds.
        table: TableName,
        /// Its owner.
        owner: Identifier,
    },
    /// Row security is off.
    #[error(
        "row security is not enabled on table `{table}`: run the migrations, or, as its owner \
         `{owner}`, `ALTER TABLE {} ENABLE ROW LEVEL SECURITY`",
        sql::table(table)
    )]
    NotEnabled {
        /// The table.
        table: TableName,
        /// Its owner.
        owner: Identifier,
    },
    /// Row security does not hold for the owner.
    #[error(
        "row security is not forced on table `{table}`: run the migrations, or, as its owner \
         `{owner}`, `ALTER TABLE {} FORCE ROW LEVEL SECURITY`",
        sql::table(table)
    )]
    NotForced {
        /// The table.
        table: TableName,
        /// Its owner.
        owner: Identifier,
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
    /// No foreign key keeps a bound reference with its owner.
    #[error(
        "table `{table}`: no foreign key keeps `{column}` to rows of `{parent}` that the same owner \
         has: run the migrations"
    )]
    Unbound {
        /// The table.
        table: TableName,
        /// The referring column.
        column: Identifier,
        /// The table it refers to.
        parent: TableName,
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
         the context that it carries: {}",
        give(&format!("DOMAIN {}", sql::table(domain)), migrations.as_ref())
    )]
    OwnsDomain {
        /// The login.
        role: Identifier,
        /// The domain.
        domain: TableName,
        /// The role of the migrations, if the tables tell it.
        migrations: Option<Identifier>,
    },
    /// The login owns the function that adds to the audit's table, and an owner can replace it.
    #[error(
        "the login `{role}` owns function `{function}`, or is a member of its owner, and could \
         leave out the record of administrators: {}",
        give(&format!("FUNCTION {}(text)", sql::table(function)), migrations.as_ref())
    )]
    OwnsFunction {
        /// The login.
        role: Identifier,
        /// The function.
        function: TableName,
        /// The role of the migrations, if the tables tell it.
        migrations: Option<Identifier>,
    },
    /// The domains that carry contexts are others than when the program connected, or may no longer
    /// be used.
    #[error(
        "the domains that carry contexts, or the right to execute `set_config`, have changed since \
         this program connected, and its statements fail: restart it"
    )]
    DomainsChanged,
    /// What verifies signed contexts is not there.
    #[error(
        "policies read signed contexts, and `{view}`, which verifies them, is missing: run the \
         migrations with the same RLS_SIGNED_CONTEXTS"
    )]
    SigningMissing {
        /// The view.
        view: TableName,
    },
    /// What verifies signed contexts is not as the migrations make it.
    #[error(
        "`{view}`, which verifies signed contexts, was altered, or the application's role may not \
         read it: run the migrations, which put it back"
    )]
    SigningAltered {
        /// The view.
        view: TableName,
    },
    /// One of the two roles could sign contexts itself.
    #[error(
        "the role `{role}` reaches the keys by which `{view}` verifies signed contexts, and so could \
         sign any: run the migrations, which take that away, and replace the keys with `rls keys \
         rotate`"
    )]
    ReachesKeys {
        /// The role.
        role: Identifier,
        /// The view.
        view: TableName,
    },
    /// Statements of this program cannot carry a signed context.
    #[error(
        "no statement of `{role}` can carry a signed context, since it may not execute `set_config`: \
         as a superuser, run `GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) \
         TO {role}`", role = sql::identifier(role)
    )]
    ContextNotVerified {
        /// The login.
        role: Identifier,
    },
    /// Administrators would leave no record.
    #[error(
        "the audit's table `{table}` is missing, or the administrator may not write it, nor the owner of \
         the function `rls_context_record`: run the migrations, give that function to the table's \
         owner, or let administrators act without a record (`RLS_AUDIT=false`, \
         `RlsConfig::danger_no_audit`)"
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

fn listed(columns: &[Identifier]) -> String {
    let columns: Vec<String> = columns.iter().map(|it| format!("`{it}`")).collect();
    columns.join(", ")
}

/// How an object, with its kind and its name as SQL, is given to the role of the migrations.
fn give(what: &str, migrations: Option<&Identifier>) -> String {
    match migrations {
        Some(role) => format!(
            "as a superuser, run `ALTER {what} OWNER TO {}`",
            sql::identifier(role)
        ),
        None => format!(
            "make a role for the migrations' login, and give it what the application's role owns: \
             as a superuser, run `ALTER {what} OWNER TO …`"
        ),
    }
}

fn bypasses(role: &Identifier, through: &Identifier) -> String {
    const POWERS: &str =
        "is a superuser or has BYPASSRLS, CREATEROLE, REPLICATION or the server's files";

    if role == through {
        return format!(
            "the login `{role}` {POWERS}: use a role of the application's own (`RLS_APP_USER`), \
             which the migrations create. If this one is, let a superuser run `ALTER ROLE {} \
             NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION`, and restart the programs",
            sql::identifier(role)
        );
    }

    format!(
        "the login `{role}` can become `{through}`, which {POWERS}: as a superuser, run `REVOKE {} \
         FROM {}`, or from the role between them, and restart the programs, whose prepared \
         statements keep what they saw",
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
            owner: name("keeper"),
        };
        assert!(
            finding.to_string().contains("`ALTER TABLE \"a.b\" ENABLE"),
            "{finding}"
        );

        let finding = GateFinding::Truncates {
            role: name("r\"x"),
            table: table(Some("s.1"), "t"),
            owner: name("keeper"),
        };
        assert!(
            finding
                .to_string()
                .contains("ON \"s.1\".\"t\" FROM PUBLIC, \"r\"\"x\""),
            "{finding}"
        );
    }
}
