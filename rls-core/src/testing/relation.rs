//! The relations that no entity is registered for, and the privileges on tables without row-level
//! security.

use sqlx::{AssertSqlSafe, Row};

use crate::model::privilege::Privilege;
use crate::model::scope::Scope;
use crate::name::{Identifier, TableName};
use crate::sql;

use super::classify::{ForeignRows, classify, worst};
use super::lane::Lane;
use super::outcome::{Cell, Outcome, UntestedTable};
use super::plan::{Expects, How, Step};
use super::schema::{Table, table_name};
use super::shape::Scopes;
use super::user::Users;
use super::{Actor, Attempt, ProofError};

/// Finds the views, partitions and the like that the application's role may use, and that no entity
/// is registered for. The view that verifies signed contexts shows nobody's rows: the gate has found it
/// to be what it is made for.
pub(super) async fn unregistered(
    lane: &mut Lane,
    role: &Identifier,
    scopes: &Scopes,
    verified: Option<&TableName>,
) -> Result<Vec<UntestedTable>, ProofError> {
    let query = "
        SELECT n.nspname::text AS schema, c.relname::text AS \"table\", p.privileges,
               CASE c.relkind WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view'
                 WHEN 'f' THEN 'a foreign table'
                 ELSE CASE WHEN c.relispartition THEN 'a partition' ELSE 'a table' END END AS kind
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL (
          SELECT string_agg(w.word, ', ' ORDER BY w.at) AS privileges
          FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'])
            WITH ORDINALITY AS w (word, at)
          WHERE has_table_privilege($1, c.oid, w.word)
             OR w.at <= 3 AND has_any_column_privilege($1, c.oid, w.word)) p
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND p.privileges IS NOT NULL
          AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
          AND has_schema_privilege($1, n.oid, 'USAGE')
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                            AND d.deptype = 'e')
        ORDER BY 1, 2";

    let rows = sqlx::query(AssertSqlSafe(query))
        .bind(role.as_str())
        .fetch_all(&mut *lane.connection)
        .await?;

    let mut found = Vec::new();
    for row in rows {
        let table = table_name(&row, "schema", "table")?;
        let (kind, privileges): (String, String) =
            (row.try_get("kind")?, row.try_get("privileges")?);
        let is_verified = verified == Some(&table) && privileges == "SELECT";
        if scopes.get(&table).is_none() && !is_verified {
            let reason = format!(
                "{kind} that no entity is registered for, and the application's role has \
                 {privileges} on it: register an entity (`#[derive(Unscoped)]` if it needs no \
                 row security), revoke it, or name it with `danger_untested`"
            );

            found.push(UntestedTable { table, reason });
        }
    }

    Ok(found)
}

/// The statement that reads which rows are unchanged: there are none.
const NO_ROWS: &str = "SELECT ''::text WHERE false";

/// Tries that the server refuses what is not declared to be granted on a table without row-level
/// security.
pub(super) async fn unscoped(
    lane: &mut Lane,
    role: &Identifier,
    users: &Users,
    (scope, known): (&Scope, &Table),
) -> Result<Vec<Cell>, ProofError> {
    let table = sql::table(&scope.table);
    let attempts = [
        (
            Attempt::Select,
            Privilege::Select,
            format!("SELECT FROM {table} LIMIT 0"),
        ),
        (
            Attempt::Insert,
            Privilege::Insert,
            format!("INSERT INTO {table} DEFAULT VALUES"),
        ),
        (
            Attempt::Update,
            Privilege::Update,
            update(lane, role, scope).await?,
        ),
        (
            Attempt::DeleteAll,
            Privilege::Delete,
            format!("DELETE FROM {table} WHERE false"),
        ),
        (
            Attempt::Truncate,
            Privilege::Truncate,
            format!("TRUNCATE {table}"),
        ),
    ];

    let mut cells = Vec::new();
    for (attempt, privilege, sql) in attempts {
        let outcome = if scope.privileges.contains(&privilege) {
            columns(lane, users, (scope, known), privilege).await?
        } else {
            refused(lane, users, sql).await?
        };

        cells.push(Cell {
            table: scope.table.clone(),
            attempt,
            actor: Actor::Nobody,
            outcome,
        });
    }

    Ok(cells)
}

/// Tries that the server refuses the columns to which a privilege is not limited.
async fn columns(
    lane: &mut Lane,
    users: &Users,
    (scope, table): (&Scope, &Table),
    privilege: Privilege,
) -> Result<Outcome, ProofError> {
    let Some(declared) = scope.columns.get(&privilege) else {
        return Ok(Outcome::Open);
    };

    let quoted = sql::table(&scope.table);
    let mut outcomes = Vec::new();
    let columns = table.columns.iter().map(|column| &column.name);
    for column in columns.filter(|column| !declared.contains(column)) {
        let name = sql::identifier(column);
        let sql = match privilege {
            Privilege::Insert => format!("INSERT INTO {quoted} ({name}) VALUES (DEFAULT)"),
            _ => format!("UPDATE {quoted} SET {name} = DEFAULT WHERE false"),
        };
        outcomes.push(tried(lane, users, sql, Expects::NoColumn(column.clone())).await?);
    }

    if outcomes.is_empty() {
        return Ok(Outcome::Open);
    }
    Ok(worst(outcomes))
}

async fn refused(lane: &mut Lane, users: &Users, sql: String) -> Result<Outcome, ProofError> {
    tried(lane, users, sql, Expects::NoGrant).await
}

async fn tried(
    lane: &mut Lane,
    users: &Users,
    sql: String,
    expects: Expects,
) -> Result<Outcome, ProofError> {
    let step = Step {
        sql,
        how: How::Write,
        expects,
        third: Vec::new(),
    };

    let answer = lane.execute(users, Actor::Nobody, &step, NO_ROWS).await?;
    Ok(classify(&step, &answer, &[], ForeignRows::Pass))
}

/// An update of no row, of a column that may be updated.
async fn update(lane: &mut Lane, role: &Identifier, scope: &Scope) -> Result<String, ProofError> {
    let table = sql::table(&scope.table);
    let query = format!(
        "SELECT a.attname::text FROM pg_attribute a
         WHERE a.attrelid = {}::regclass AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attgenerated = ''
         ORDER BY has_column_privilege({}, a.attrelid, a.attnum, 'UPDATE') DESC, a.attnum LIMIT 1",
        super::draft::text(&table),
        super::draft::text(role.as_str())
    );

    let column: Option<String> = sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_optional(&mut *lane.connection)
        .await?;
    let column = column.map(super::schema::name).transpose()?;

    Ok(column.map_or_else(String::new, |column| {
        format!(
            "UPDATE {table} SET {} = DEFAULT WHERE false",
            sql::identifier(&column)
        )
    }))
}
