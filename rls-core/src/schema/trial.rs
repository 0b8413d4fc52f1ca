//! Tries the application's statements without running them: policies that ask each other let none
//! of them through, and the server says so only when a statement is planned.

#[cfg(feature = "doctor")]
mod late;

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, TransactionSession, TransactionTrait};

use super::catalog::query::{at, get, rows, text};
use super::catalog::role::OWN_MEMBERSHIPS;
use crate::error::RlsError;
use crate::model::privilege::Privilege;
use crate::name::{Identifier, TableName};
use crate::{sql, sqlstate};

#[cfg(feature = "doctor")]
pub(crate) use late::late;

/// A statement that the server does not plan for a role.
#[derive(Clone, Debug)]
pub(crate) struct Unplanned {
    pub(crate) table: TableName,
    #[cfg_attr(
        not(feature = "doctor"),
        expect(dead_code, reason = "only the doctor names it")
    )]
    pub(crate) privilege: Privilege,
    pub(crate) sql: String,
    pub(crate) source: Arc<DbErr>,
}

impl Unplanned {
    /// Whether the server did not come to plan it, so that nothing is known of the policies.
    pub(crate) fn is_untried(&self) -> bool {
        sqlstate::of(&self.source).is_some_and(|state| sqlstate::is_of_the_moment(&state))
    }
}

/// The statements that the server does not plan for `role`, of those that its privileges on the
/// tables allow; `None` if the login cannot act as the role. After one that the server does not come to
/// plan, no other one on its table is tried.
///
/// Statements sent: `EXPLAIN` of each, in a savepoint that is rolled back. A login that may not act
/// as the role and may grant it grants it to itself there. Locks taken: `ACCESS SHARE` and `ROW
/// EXCLUSIVE` on the tables.
pub(crate) async fn unplanned(
    db: &DatabaseTransaction,
    role: &Identifier,
    tables: &[&TableName],
) -> Result<Option<Vec<Unplanned>>, RlsError> {
    let Some(become_role) = become_role(db, role).await? else {
        return Ok(None);
    };
    let statements = statements(db, role, tables).await?;
    if statements.is_empty() {
        return Ok(Some(Vec::new()));
    }

    let savepoint = db.begin().await?;
    if let Err(error) = savepoint.execute_unprepared(&become_role).await {
        TransactionSession::rollback(savepoint).await?;
        // Only a superuser grants a superuser.
        let refused = sqlstate::of(&error).as_deref() == Some(sqlstate::INSUFFICIENT_PRIVILEGE);
        return if refused { Ok(None) } else { Err(error.into()) };
    }

    // All in one message. Only if one of them fails, each in a savepoint of its own.
    let together: Vec<&str> = statements.iter().map(|(.., sql)| sql.as_str()).collect();
    let all = savepoint.begin().await?;
    let planned = all.execute_unprepared(&together.join("; ")).await;
    TransactionSession::rollback(all).await?;

    let mut unplanned = Vec::new();
    if planned.is_err() {
        for (table, privilege, sql) in &statements {
            let last: Option<&Unplanned> = unplanned.last();
            if last.is_some_and(|last| last.table == **table && last.is_untried()) {
                continue;
            }

            let one = savepoint.begin().await?;
            let planned = one.execute_unprepared(sql).await;
            TransactionSession::rollback(one).await?;

            if let Err(error) = planned {
                if sqlstate::of(&error).is_none() {
                    return Err(error.into());
                }

                unplanned.push(Unplanned {
                    table: (*table).clone(),
                    privilege: *privilege,
                    sql: sql.clone(),
                    source: Arc::new(error),
                });
            }
        }
    }

    TransactionSession::rollback(savepoint).await?;
    Ok(Some(unplanned))
}

/// The statements with which the login acts as the role, if it can.
async fn become_role(
    db: &impl ConnectionTrait,
    role: &Identifier,
) -> Result<Option<String>, RlsError> {
    // `SET ROLE` asks for the session's user, `GRANT` for the current one.
    let query = format!(
        "SELECT pg_has_role(session_user, r.oid, CASE WHEN {OWN_MEMBERSHIPS} THEN 'SET' ELSE \
         'MEMBER' END) AS is_member,
                NOT current_setting('transaction_read_only')::bool
                  AND (pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION')
                       OR NOT {OWN_MEMBERSHIPS} AND m.rolcreaterole) AS may_grant
         FROM pg_roles r, pg_roles m WHERE r.rolname = {} AND m.rolname = current_user",
        text(role)
    );

    let rows = rows(db, query).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };

    let role = sql::identifier(role);
    let set = format!("SET LOCAL ROLE {role}; SET LOCAL row_security = on");

    Ok(if get(row, "is_member")? {
        Some(set)
    } else if get(row, "may_grant")? {
        Some(format!("GRANT {role} TO SESSION_USER; {set}"))
    } else {
        None
    })
}

/// The statements to try, each with its table and the privilege that it takes.
async fn statements<'a>(
    db: &impl ConnectionTrait,
    role: &Identifier,
    tables: &[&'a TableName],
) -> Result<Vec<(&'a TableName, Privilege, String)>, RlsError> {
    let named: Vec<String> = tables
        .iter()
        .enumerate()
        .map(|(at, table)| {
            let schema = table
                .schema
                .as_ref()
                .map_or_else(|| "NULL".to_owned(), text);
            format!("({at}, {schema}, {})", text(&table.table))
        })
        .collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }

    let query = format!(
        "SELECT v.at, p.privilege, (SELECT quote_ident(a.attname) FROM pg_attribute a
                                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT \
         a.attisdropped
                                    ORDER BY has_column_privilege({role}, c.oid, a.attnum, \
         'UPDATE') DESC, a.attnum LIMIT 1) AS column
         FROM (VALUES {}) AS v (at, schema, name)
         JOIN pg_namespace n ON n.nspname = v.schema
         JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.name AND c.relkind IN ('r', 'p')
         CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p (privilege)
         WHERE has_schema_privilege({role}, n.oid, 'USAGE')
           AND (has_table_privilege({role}, c.oid, p.privilege)
                OR p.privilege IN ('INSERT', 'UPDATE')
                   AND has_any_column_privilege({role}, c.oid, p.privilege))
         ORDER BY v.at",
        named.join(", "),
        role = text(role)
    );

    let mut statements = Vec::new();
    for row in rows(db, query).await? {
        let table = tables[at(&row)?];
        let name = sql::table(table);
        let column: Option<String> = get(&row, "column")?;
        let (Some(privilege), Some(column)) = (
            Privilege::from_sql(&get::<String>(&row, "privilege")?),
            column,
        ) else {
            continue;
        };

        // `DEFAULT` is what any column takes, generated ones too.
        let statement = match privilege {
            Privilege::Insert => format!("INSERT INTO {name} DEFAULT VALUES"),
            Privilege::Update => format!("UPDATE {name} SET {column} = DEFAULT"),
            Privilege::Delete => format!("DELETE FROM {name}"),
            _ => format!("SELECT FROM {name}"),
        };
        statements.push((table, privilege, format!("EXPLAIN {statement}")));
    }

    Ok(statements)
}
