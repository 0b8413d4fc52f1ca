//! The rows that the foreign keys of a row refer to.

use sqlx::{AssertSqlSafe, Row};

use crate::name::TableName;
use crate::sql;

use super::Maker;
use crate::testing::draft::{Draft, Made, row_id};
use crate::testing::error::Trouble;
use crate::testing::schema::{Filled, Reference, Table};
use crate::testing::shape::{Anchor, Subject, Tie, Ties};
use crate::testing::value;

/// Makes the rows that the pending row refers to, and writes the references into it.
pub(super) async fn resolve(
    maker: &mut Maker<'_, '_>,
    table: &TableName,
    known: &Table,
    ties: &Ties,
) -> Result<(), Trouble> {
    for reference in &known.foreign_keys {
        let draft = draft_of(maker);
        let is_null = |column| draft.get(column).is_some_and(|value| value == "NULL");
        let is_required = |column: &_| {
            known
                .column(column)
                .is_some_and(|column| column.not_null && column.filled == Filled::Nobody)
        };

        let missing: Vec<_> = reference
            .columns
            .iter()
            .filter(|column| !draft.contains_key(*column))
            .collect();

        if reference.columns.iter().any(is_null)
            || (!missing.is_empty() && !missing.iter().any(|c| is_required(c)))
        {
            continue;
        }

        if missing.is_empty() && stands(maker, known, reference).await? {
            continue;
        }

        if reference.parent == *table {
            itself(maker, table, known, reference)?;
        } else if maker
            .pending
            .iter()
            .any(|(pending, _)| *pending == reference.parent)
        {
            circle(maker, reference)?;
        } else {
            let parent_ties = ties_of(maker, table, reference, ties);
            let draft = draft_of(maker);
            let pairs = reference.columns.iter().zip(&reference.parent_columns);
            let values = pairs
                .filter_map(|(column, parent)| Some((parent.clone(), draft.get(column)?.clone())));
            let values = values.collect();
            let parent = Box::pin(maker.parent(&reference.parent, parent_ties, values)).await?;

            write(maker, known, reference, &parent);
        }
    }

    Ok(())
}

fn draft_of<'m>(maker: &'m mut Maker<'_, '_>) -> &'m mut Draft {
    maker
        .pending
        .last_mut()
        .map_or_else(|| unreachable!("the row is pending"), |(_, draft)| draft)
}

/// Whose the referred row must be: the user that a referring key column names, else the user for
/// whom the row is made.
fn ties_of(maker: &Maker<'_, '_>, table: &TableName, reference: &Reference, ties: &Ties) -> Ties {
    let anchors = maker.scopes.get(table).map(Anchor::of).unwrap_or_default();
    let named = anchors
        .into_iter()
        .zip(&ties.ties)
        .filter(|(anchor, _)| reference.columns.contains(anchor.column()));

    let mut subject = match ties.subject {
        // The third user has rows only in the table that is tested.
        Subject::Third => Subject::First,
        subject => subject,
    };

    let mut by_column = Vec::new();
    for (anchor, tie) in named {
        match tie {
            Tie::Row(ties) => return ties.clone(),
            Tie::Key(named) => {
                subject = *named;
                by_column.push((anchor.column(), *named));
            }
        }
    }

    // A key with the owner in it leads to a row of that owner, in each of its columns.
    let mut ties = maker.scopes.uniform(&reference.parent, subject);
    let parent = maker.scopes.get(&reference.parent);
    let anchors = parent.map(Anchor::of).unwrap_or_default();
    for (anchor, tie) in anchors.into_iter().zip(&mut ties.ties) {
        let mut pairs = reference.columns.iter().zip(&reference.parent_columns);
        let own = pairs.find(|(_, of)| *of == anchor.column());
        let named = own.and_then(|(own, _)| by_column.iter().find(|(column, _)| *column == own));

        if let (Tie::Key(tie), Some((_, named))) = (tie, named) {
            *tie = *named;
        }
    }

    ties
}

/// Whether the referred row exists.
async fn stands(
    maker: &mut Maker<'_, '_>,
    known: &Table,
    reference: &Reference,
) -> Result<bool, Trouble> {
    let draft = draft_of(maker);
    let pairs = reference.columns.iter().zip(&reference.parent_columns);
    let conditions: Vec<String> = pairs
        .filter(|(column, _)| known.column(column).is_some())
        .map(|(column, parent)| format!("p.{} = {}", sql::identifier(parent), draft[column]))
        .collect();

    let query = format!(
        "SELECT {} FROM {} AS p WHERE {} LIMIT 1",
        row_id("p"),
        sql::table(&reference.parent),
        conditions.join(" AND ")
    );

    let rows = sqlx::raw_sql(AssertSqlSafe(query))
        .fetch_all(&mut *maker.lane.connection)
        .await?;
    rows.first()
        .map(|row| row.try_get::<String, _>(0))
        .transpose()?;

    Ok(!rows.is_empty())
}

/// Makes the row refer to itself.
fn itself(
    maker: &mut Maker<'_, '_>,
    table: &TableName,
    known: &Table,
    reference: &Reference,
) -> Result<(), Trouble> {
    for (column, parent) in reference.columns.iter().zip(&reference.parent_columns) {
        let Some(referred) = known.column(parent) else {
            continue;
        };
        let mut written = std::mem::take(draft_of(maker));
        let filled = maker.fill(table, referred, &mut written);

        *draft_of(maker) = written;
        filled?;

        let value = draft_of(maker)[parent].clone();
        draft_of(maker).entry(column.clone()).or_insert(value);
    }

    Ok(())
}

/// Makes the row refer to a row that waits for it. That needs a key that is checked later.
fn circle(maker: &mut Maker<'_, '_>, reference: &Reference) -> Result<(), Trouble> {
    let waiting = maker
        .pending
        .iter()
        .find(|(pending, _)| reference.deferrable && *pending == reference.parent);

    let found = waiting.and_then(|(_, draft)| {
        let value = |column| draft.get(column).cloned();
        reference
            .parent_columns
            .iter()
            .map(value)
            .collect::<Option<Vec<_>>>()
    });

    let Some(values) = found else {
        let tables: Vec<String> = maker
            .pending
            .iter()
            .map(|(table, _)| table.to_string())
            .collect();

        return Err(Trouble::Table(format!(
            "tables {} refer to each other, and none of the references may be NULL: make one of \
             the foreign keys deferrable, or its column nullable",
            tables.join(" and ")
        )));
    };

    for (column, value) in reference.columns.iter().zip(values) {
        draft_of(maker).entry(column.clone()).or_insert(value);
    }

    Ok(())
}

fn write(maker: &mut Maker<'_, '_>, known: &Table, reference: &Reference, parent: &Made) {
    for (column, parent_column) in reference.columns.iter().zip(&reference.parent_columns) {
        let Some(column) = known.column(column) else {
            continue;
        };
        let value = parent.values.get(parent_column).and_then(Option::as_deref);
        let value = value::cast(value, &column.sql_type);

        draft_of(maker).entry(column.name.clone()).or_insert(value);
    }
}
