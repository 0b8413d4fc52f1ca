//! The canonical form of an expression: what the server prints when it is asked to print what it
//! stored.
//!
//! Two texts can mean one thing and one text can mean two, so text is never compared with text: the
//! desired policies are created on an empty copy of the table, in a savepoint, and the server
//! prints both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbErr, TransactionTrait};

use super::path::SearchPath;
use super::policy::{POLICY_COLUMNS, POLICY_JOINS, policy};
use super::query::{get, name, rows};
use crate::error::{RlsError, SchemaError};
use crate::model::policy::{Canonical, Policy};
use crate::name::Identifier;
use crate::schema::fingerprint;
use crate::schema::table::{Actual, Desired};
use crate::sql;
use crate::sqlstate;

/// What is asked of a table, in the server's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CanonicalTable {
    pub(crate) policies: BTreeMap<Identifier, Policy<Canonical>>,
    pub(crate) defaults: BTreeMap<Identifier, Canonical>,
}

/// The canonical form of what is asked of each table, in the same order; `None` where there is
/// nothing to compare it with, or where it refers to what other changes of the plan make first
/// (`incomplete`).
///
/// A copy has the name of its table, so that an expression may use it; hence tables of one name
/// take turns.
///
/// Lock taken: `ACCESS SHARE` on each table. Privilege needed: `TEMPORARY` on the database. Nothing
/// remains.
pub(crate) async fn canonical(
    db: &impl TransactionTrait,
    tables: &[(&Desired, &Actual)],
    path: &SearchPath,
    incomplete: bool,
) -> Result<Vec<Option<CanonicalTable>>, RlsError> {
    let mut canonical = vec![None; tables.len()];
    let mut waiting: Vec<usize> = (0..tables.len())
        .filter(|at| comparable(tables[*at]))
        .collect();

    while !waiting.is_empty() {
        let mut names = BTreeSet::new();
        let (round, later) = waiting
            .into_iter()
            .partition(|at: &usize| names.insert(&tables[*at].0.table.table));
        waiting = later;

        let savepoint = db.begin().await?;
        savepoint
            .execute_unprepared(&format!("{}; SAVEPOINT rls_copy", path.creating()))
            .await?;

        for at in &round {
            match savepoint.execute_unprepared(&copy(tables[*at])).await {
                Ok(_) => canonical[*at] = Some(CanonicalTable::default()),
                Err(error) if incomplete && is_undefined(&error) => {
                    savepoint
                        .execute_unprepared("ROLLBACK TO SAVEPOINT rls_copy")
                        .await?;
                }
                Err(error) => {
                    savepoint
                        .execute_unprepared("ROLLBACK TO SAVEPOINT rls_copy")
                        .await?;
                    canonical[*at] = as_applied(tables[*at]);

                    // Not yet applied: it counts as different, and the server says what it takes
                    // when it is.
                    if canonical[*at].is_none() && !is_of_row_type(&error) {
                        return Err(failure(tables[*at].0, error));
                    }
                }
            }
        }

        savepoint.execute_unprepared(SearchPath::PRINTING).await?;

        let by_name: BTreeMap<&Identifier, usize> = round
            .iter()
            .map(|at| (&tables[*at].0.table.table, *at))
            .collect();

        let find = |row: &_| Ok::<_, RlsError>(by_name.get(&name(row, "copy")?).copied());
        for row in rows(
            &savepoint,
            of_copies(
                POLICY_COLUMNS,
                &format!("JOIN pg_policy p ON p.polrelid = c.oid {POLICY_JOINS}"),
            ),
        )
        .await?
        {
            let (Some(at), mut policy) = (find(&row)?, policy(&row)?.policy) else {
                continue;
            };
            let Some(asked) = tables[at]
                .0
                .policies
                .iter()
                .find(|asked| asked.policy.name == policy.name)
            else {
                continue;
            };

            // The copy's policies are for PUBLIC: a role may not exist before the plan is applied.
            policy.roles.clone_from(&asked.policy.roles);
            policy.comment.clone_from(&asked.policy.comment);

            canonical[at]
                .get_or_insert_default()
                .policies
                .insert(policy.name.clone(), policy);
        }

        for row in rows(&savepoint, of_copies(DEFAULT_COLUMNS, DEFAULT_JOINS)).await? {
            let Some(at) = find(&row)? else { continue };
            let default = Canonical::printed(get(&row, "default")?);
            canonical[at]
                .get_or_insert_default()
                .defaults
                .insert(name(&row, "column")?, default);
        }

        sea_orm::TransactionSession::rollback(savepoint).await?;
    }

    Ok(canonical)
}

/// The policies as they stand, where they were made for what is asked now and not altered since: a
/// function of the table's row type takes no copy, whose type is another.
fn as_applied((desired, actual): (&Desired, &Actual)) -> Option<CanonicalTable> {
    let mut canonical = CanonicalTable::default();
    for asked in &desired.policies {
        let found = actual.policies.get(&asked.policy.name)?;
        let fingerprint = found.fingerprint.as_ref()?;
        if fingerprint.asked != asked.asked || fingerprint.held != fingerprint::held(&found.policy)
        {
            return None;
        }

        canonical
            .policies
            .insert(asked.policy.name.clone(), found.policy.clone());
    }

    let defaults = desired.columns.iter().filter_map(|column| {
        let default = actual.columns.get(&column.name)?.default.clone()?;
        Some((column.name.clone(), default))
    });

    canonical.defaults.extend(defaults);
    Some(canonical)
}

/// Whether the table has a policy or default to compare with: without one, all that is asked for is
/// new.
fn comparable((desired, actual): (&Desired, &Actual)) -> bool {
    let has_default = |column: &Identifier| {
        actual
            .columns
            .get(column)
            .is_some_and(|found| found.default.is_some())
    };

    !desired.policies.is_empty() && !actual.policies.is_empty()
        || desired
            .columns
            .iter()
            .any(|column| column.default.is_some() && has_default(&column.name))
}

/// One message that makes an empty copy of a table with the desired policies and defaults on it.
fn copy((desired, actual): (&Desired, &Actual)) -> String {
    let table = sql::table(&desired.table);
    let copy = format!("pg_temp.{}", sql::identifier(&desired.table.table));
    let mut statements = vec![format!("CREATE TEMPORARY TABLE {copy} (LIKE {table})")];

    for column in &desired.columns {
        let name = sql::identifier(&column.name);
        if !actual.columns.contains_key(&column.name) {
            statements.push(format!(
                "ALTER TABLE {copy} ADD COLUMN {name} {}",
                column.key.as_sql()
            ));
        }

        if let Some(default) = &column.default {
            statements.push(format!(
                "ALTER TABLE {copy} ALTER COLUMN {name} SET DEFAULT {}",
                sql::expression(default)
            ));
        }
    }

    for asked in &desired.policies {
        let for_public = Policy {
            roles: BTreeSet::new(),
            ..asked.policy.clone()
        };
        statements.push(sql::create_policy(&copy, &for_public));
    }

    // For the next table; a message with a mistake in it does not run at all.
    statements.push("RELEASE SAVEPOINT rls_copy; SAVEPOINT rls_copy".to_owned());
    statements.join("; ")
}

const DEFAULT_COLUMNS: &str =
    "a.attname::text AS column, pg_get_expr(d.adbin, d.adrelid) AS default";

const DEFAULT_JOINS: &str = "JOIN pg_attrdef d ON d.adrelid = c.oid
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum AND a.attgenerated = ''";

fn of_copies(columns: &str, joins: &str) -> String {
    format!(
        "SELECT c.relname::text AS copy, {columns}
         FROM pg_class c {joins}
         WHERE c.relnamespace = pg_my_temp_schema()"
    )
}

/// Whether a function is missing for the copy's row type alone.
fn is_of_row_type(error: &DbErr) -> bool {
    RlsError::from(error).sqlstate().as_deref() == Some(sqlstate::UNDEFINED_FUNCTION)
        && error.to_string().contains("pg_temp.")
}

fn is_undefined(error: &DbErr) -> bool {
    RlsError::from(error)
        .sqlstate()
        .is_some_and(|state| sqlstate::UNDEFINED.contains(&state.as_str()))
}

fn failure(desired: &Desired, error: DbErr) -> RlsError {
    let source = Arc::new(error);
    match RlsError::from(source.as_ref()).sqlstate().as_deref() {
        Some(_) => SchemaError::Policies {
            table: desired.table.to_string(),
            source,
        }
        .into(),
        None => RlsError::Database(source),
    }
}
