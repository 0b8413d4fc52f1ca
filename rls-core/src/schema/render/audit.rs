use crate::name::TableName;

use crate::sql::table;

/// A column of the audit table: its name, its type, and the default with which the server fills it.
pub(crate) struct AuditColumn {
    pub(crate) name: &'static str,
    sql_type: &'static str,
    /// `None` for the identity column.
    pub(crate) default: Option<&'static str>,
    constraint: &'static str,
}

const fn column(
    name: &'static str,
    sql_type: &'static str,
    default: &'static str,
    constraint: &'static str,
) -> AuditColumn {
    AuditColumn {
        name,
        sql_type,
        default: Some(default),
        constraint,
    }
}

/// The columns. The server fills each of them: the actor and the reason come from settings that the
/// begin message sets and SQL text may not change, the rest from the session. A setting that was
/// set once reads `''` afterwards, hence the checks.
pub(crate) const AUDIT_COLUMNS: [AuditColumn; 8] = [
    AuditColumn {
        name: "id",
        sql_type: "bigint",
        default: None,
        constraint: "GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    },
    column("at", "timestamp with time zone", "now()", "NOT NULL"),
    column(
        "actor",
        "text",
        "current_setting('rls.actor')",
        "NOT NULL CHECK (actor <> '')",
    ),
    column(
        "reason",
        "text",
        "current_setting('rls.reason')",
        "NOT NULL CHECK (reason <> '')",
    ),
    column(
        "on_behalf_of",
        "jsonb",
        "NULLIF(current_setting('rls.on_behalf_of', true), '')::jsonb",
        "",
    ),
    column(
        "application",
        "text",
        "current_setting('application_name')",
        "NOT NULL",
    ),
    column("login", "text", "SESSION_USER::text", "NOT NULL"),
    column("transaction", "xid8", "pg_current_xact_id()", "NOT NULL"),
];

/// The one column on which the administrator has `INSERT`, which needs a privilege on some column.
pub(crate) const AUDIT_GRANTED: &str = "reason";

/// `CREATE TABLE` of the audit table; `table` is quoted already.
pub(crate) fn create_audit(table: &str) -> String {
    let columns: Vec<String> = AUDIT_COLUMNS
        .iter()
        .map(|column| {
            let default = column
                .default
                .map_or_else(String::new, |default| format!(" DEFAULT {default}"));
            format!(
                "\"{}\" {}{default} {}",
                column.name, column.sql_type, column.constraint
            )
            .trim_end()
            .to_owned()
        })
        .collect();

    format!("CREATE TABLE {table} ({})", columns.join(", "))
}

/// The statement with which a transaction records itself.
pub(crate) fn record(name: &TableName) -> String {
    format!("INSERT INTO {} DEFAULT VALUES", table(name))
}
