//! The canonical form of an expression: the text that the server prints of what it stored.
//!
//! Two texts can mean one thing, and one text can mean two. So the texts of entities are never
//! compared with those of the catalog: the desired policies are created on an empty copy of the
//! table, in a savepoint, and the server prints both sides.
//!
//! Tables that are alike share a copy: thousands of copies would take seconds, and bloat the catalog
//! although they are rolled back.

mod alike;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbErr, TransactionSession, TransactionTrait};

use alike::Alike;

use super::path::SearchPath;
use super::policy::{POLICY_COLUMNS, POLICY_JOINS, policy};
use super::query::{get, name, rows};
use crate::error::{RlsError, SchemaError};
use crate::model::expression::Expression;
use crate::model::policy::{Canonical, Policy};
use crate::name::{Identifier, TableName};
use crate::schema::snapshot::CanonicalTable;
use crate::schema::table::{ActualTable, DesiredPolicy, DesiredTable};
use crate::sql;
use crate::sqlstate;

/// A table, as it is desired and as it is.
type Pair<'a> = (&'a DesiredTable, &'a ActualTable);

/// The canonical form of each table's desired policies and defaults, if there is anything to
/// compare it with. With `incomplete`, a table is left out if it refers to something that other
/// changes of the plan create first.
///
/// A copy has the name of its table, so that expressions may use it. Two tables of one name, in two
/// schemas, therefore take turns.
///
/// Lock taken: `ACCESS SHARE` on each table. Privilege needed: `TEMPORARY` on the database. Nothing
/// remains.
pub(crate) async fn canonical(
    db: &impl TransactionTrait,
    tables: impl IntoIterator<Item = Pair<'_>>,
    path: &SearchPath,
    incomplete: bool,
) -> Result<BTreeMap<TableName, CanonicalTable>, RlsError> {
    let mut canonical = BTreeMap::new();
    let Alike { firsts, others } = Alike::of(tables.into_iter().filter(is_comparable));
    let mut waiting = firsts;

    while !waiting.is_empty() {
        // The first of each name; the others wait for the next round.
        let mut round = BTreeMap::new();
        let mut later = Vec::new();
        for pair in waiting {
            match round.entry(&pair.0.table.table) {
                Entry::Vacant(entry) => drop(entry.insert(pair)),
                Entry::Occupied(_) => later.push(pair),
            }
        }
        waiting = later;

        let savepoint = db.begin().await?;
        make_copies(&savepoint, &round, path, incomplete, &mut canonical).await?;
        savepoint.execute_unprepared(SearchPath::PRINTING).await?;
        print_copies(&savepoint, &round, &mut canonical).await?;
        TransactionSession::rollback(savepoint).await?;
    }

    for (first, other) in others {
        if let Some(printed) = canonical.get(&first.table) {
            let printed = alike::transferred(printed, first, other);
            canonical.insert(other.table.clone(), printed);
        }
    }

    Ok(canonical)
}

/// The tables whose policies the server does not take, since they name what is not there, or is of
/// another type. Those whose policies name the keys of users and tenants alone are not tried.
///
/// Lock taken, privilege needed: as [`canonical`]. Nothing remains.
pub(crate) async fn unready(
    db: &impl TransactionTrait,
    tables: impl IntoIterator<Item = Pair<'_>>,
    path: &SearchPath,
) -> Result<BTreeSet<TableName>, RlsError> {
    let mut unready = BTreeSet::new();
    let tried: Vec<Pair<'_>> = tables
        .into_iter()
        .filter(|(desired, _)| names_more_than_keys(desired))
        .collect();

    for pair @ (desired, _) in tried {
        let savepoint = db.begin().await?;
        savepoint
            .execute_unprepared(&format!("{}; SAVEPOINT rls_copy", path.creating()))
            .await?;
        let copied = savepoint.execute_unprepared(&copy(pair)).await;
        TransactionSession::rollback(savepoint).await?;

        if copied.is_err_and(|error| is_undefined(&error) && !is_of_row_type(&error)) {
            unready.insert(desired.table.clone());
        }
    }

    Ok(unready)
}

fn names_more_than_keys(desired: &DesiredTable) -> bool {
    fn more(expression: &Expression) -> bool {
        match expression {
            Expression::All(parts) | Expression::Any(parts) => parts.iter().any(more),
            Expression::First(part) => more(part),
            Expression::True
            | Expression::False
            | Expression::IsCurrent { .. }
            | Expression::IsCurrentOnNode { .. }
            | Expression::IsVerified { .. }
            | Expression::Current { .. } => false,
            _ => true,
        }
    }

    desired
        .policies
        .iter()
        .flat_map(|desired| [desired.policy.using(), desired.policy.with_check()])
        .flatten()
        .any(more)
}

/// Makes the copy of each table that can have one.
async fn make_copies(
    savepoint: &impl ConnectionTrait,
    round: &BTreeMap<&Identifier, Pair<'_>>,
    path: &SearchPath,
    incomplete: bool,
    canonical: &mut BTreeMap<TableName, CanonicalTable>,
) -> Result<(), RlsError> {
    savepoint
        .execute_unprepared(&format!("{}; SAVEPOINT rls_copy", path.creating()))
        .await?;

    for pair @ (desired, _) in round.values() {
        let Err(error) = savepoint.execute_unprepared(&copy(*pair)).await else {
            canonical.insert(desired.table.clone(), CanonicalTable::default());
            continue;
        };

        savepoint
            .execute_unprepared("ROLLBACK TO SAVEPOINT rls_copy")
            .await?;
        if incomplete && is_undefined(&error) {
            continue;
        }

        match as_applied(*pair) {
            Some(applied) => drop(canonical.insert(desired.table.clone(), applied)),
            // It counts as different: the server decides when the policy is applied.
            None if is_of_row_type(&error) => {}
            None => return Err(failure(desired, error)),
        }
    }

    Ok(())
}

/// Has the server print the policies and defaults of the copies.
async fn print_copies(
    savepoint: &impl ConnectionTrait,
    round: &BTreeMap<&Identifier, Pair<'_>>,
    canonical: &mut BTreeMap<TableName, CanonicalTable>,
) -> Result<(), RlsError> {
    let of = |row: &_| Ok::<_, RlsError>(round.get(&name(row, "copy")?).map(|(table, _)| *table));
    let policies = format!("JOIN pg_policy p ON p.polrelid = c.oid {POLICY_JOINS}");

    for row in rows(savepoint, of_copies(POLICY_COLUMNS, &policies)).await? {
        let (Some(table), mut printed) = (of(&row)?, policy(&row)?.policy) else {
            continue;
        };
        let Some(desired) = table.policy(&printed.name) else {
            continue;
        };

        printed.roles.clone_from(&desired.policy.roles);
        printed.comment.clone_from(&desired.policy.comment);

        canonical
            .entry(table.table.clone())
            .or_default()
            .policies
            .insert(printed.name.clone(), printed);
    }

    for row in rows(savepoint, of_copies(DEFAULT_COLUMNS, DEFAULT_JOINS)).await? {
        let Some(table) = of(&row)? else { continue };
        let default = Canonical::printed(get(&row, "default")?);
        canonical
            .entry(table.table.clone())
            .or_default()
            .defaults
            .insert(name(&row, "column")?, default);
    }

    Ok(())
}

/// The policies as they stand, if they were made for what is desired and nobody altered them since.
/// For a policy with a function of the table's row type, which does not take the copy's rows.
fn as_applied((desired, actual): Pair<'_>) -> Option<CanonicalTable> {
    let mut canonical = CanonicalTable::default();
    for desired in &desired.policies {
        let actual = actual.policies.get(&desired.policy.name)?;
        if !actual.is_applied(desired) {
            return None;
        }

        canonical
            .policies
            .insert(desired.policy.name.clone(), actual.policy.clone());
    }

    let defaults = desired.columns.iter().filter_map(|column| {
        let default = actual.columns.get(&column.name)?.default.clone()?;
        Some((column.name.clone(), default))
    });

    canonical.defaults.extend(defaults);
    Some(canonical)
}

/// Whether the table has a policy or default to compare with; without one, all is new.
fn is_comparable((desired, actual): &Pair<'_>) -> bool {
    let has_default = |column: &Identifier| {
        actual
            .columns
            .get(column)
            .is_some_and(|actual| actual.default.is_some())
    };

    !desired.policies.is_empty() && !actual.policies.is_empty()
        || desired
            .columns
            .iter()
            .any(|column| column.default.is_some() && has_default(&column.name))
}

/// One message that makes an empty copy of a table with the desired policies and defaults on it.
fn copy(pair: Pair<'_>) -> String {
    let table = sql::table(&pair.0.table);
    let copy = format!("pg_temp.{}", sql::identifier(&pair.0.table.table));
    let mut statements = vec![format!("CREATE TEMPORARY TABLE {copy} (LIKE {table})")];

    statements.extend(column_statements(pair, &copy));
    let policies = pair.0.policies.iter().map(for_public);
    statements.extend(policies.map(|policy| sql::create_policy(&copy, &policy)));

    // For the next table. A message with a syntax error does not run at all.
    statements.push("RELEASE SAVEPOINT rls_copy; SAVEPOINT rls_copy".to_owned());
    statements.join("; ")
}

/// The statements that give a copy the desired columns and defaults.
fn column_statements((desired, actual): Pair<'_>, copy: &str) -> Vec<String> {
    let mut statements = Vec::new();
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

    statements
}

/// The policy as a copy has it: a role may not exist before the plan is applied.
fn for_public(desired: &DesiredPolicy) -> Policy {
    Policy {
        roles: BTreeSet::new(),
        ..desired.policy.clone()
    }
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

fn failure(desired: &DesiredTable, error: DbErr) -> RlsError {
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
