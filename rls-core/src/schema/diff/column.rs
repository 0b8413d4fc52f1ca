use std::cmp::Reverse;

use super::table::Table;
use crate::error::SchemaError;
use crate::model::key::OnDelete;
use crate::model::policy::Canonical;
use crate::model::scope::ForeignKey;
use crate::name::Identifier;
use crate::schema::plan::{Change, ColumnChange, ForeignKeyChange, TableChange};
use crate::schema::table::serves::{self, IndexFit, KeyFit};
use crate::schema::table::{ActualForeignKey, ActualIndex, DesiredColumn, KeyClauses};
use crate::schema::used::UsedNames;
use crate::sql;

pub(super) fn columns(table: &Table<'_>, changes: &mut Vec<Change>) -> Result<(), SchemaError> {
    let name = &table.desired.table;
    for desired in &table.desired.columns {
        let column = &desired.name;
        let actual = table.actual.columns.get(column);
        let is_generated = actual.is_some_and(|actual| actual.generated.is_some());
        let mut change = |change| {
            changes.push(Change::on(
                name.clone(),
                TableChange::Column(column.clone(), change),
            ));
        };

        match actual {
            None => {
                if let Some(found) = renamed(table, desired).map(Identifier::to_string) {
                    let (table, column) = (name.to_string(), column.to_string());
                    return Err(SchemaError::OwnerRenamed {
                        table,
                        column,
                        found,
                    });
                }

                change(ColumnChange::Add {
                    key: desired.key,
                    backfill: desired.backfill.clone(),
                });
            }
            Some(actual) if !actual.not_null || actual.unproven.is_some() => {
                change(ColumnChange::SetNotNull {
                    backfill: desired.backfill.clone().filter(|_| !is_generated),
                    unproven: actual.unproven.clone(),
                });
            }
            Some(_) => {}
        }

        let was = actual.and_then(|actual| actual.default.as_ref());
        let canonical = table
            .canonical
            .and_then(|canonical| canonical.defaults.get(column));

        if let Some(default) = &desired.default
            && !is_generated
            && (was.is_none() || was != canonical)
        {
            change(ColumnChange::SetDefault {
                default: Some(default.clone()),
                was: was.map(Canonical::to_expression),
            });
        }
    }

    Ok(())
}

/// A column that is no desired one and has this one's default: most likely it is this one, under
/// its old name.
pub(super) fn renamed<'a>(table: &Table<'a>, desired: &DesiredColumn) -> Option<&'a Identifier> {
    if table.actual.columns.contains_key(&desired.name) {
        return None;
    }

    let default = table.canonical?.defaults.get(&desired.name)?;
    let unclaimed = |name: &Identifier| {
        !table
            .desired
            .columns
            .iter()
            .any(|column| column.name == *name)
    };

    table
        .actual
        .columns
        .iter()
        .find(|(name, column)| column.default.as_ref() == Some(default) && unclaimed(name))
        .map(|(name, _)| name)
}

pub(super) fn keys(table: &Table<'_>, used: &mut UsedNames, changes: &mut Vec<Change>) {
    for column in &table.desired.columns {
        if let Some(foreign_key) = &column.foreign_key {
            key(table, &column.name, foreign_key, used, changes);
        }
    }

    for desired in table
        .desired
        .indexes
        .iter()
        .filter(|index| table.can_have(index))
    {
        let serves =
            |actual: &ActualIndex| serves::index(desired, &actual.into()) == IndexFit::Serves;
        if !table.actual.indexes.iter().any(serves) {
            let name = &table.desired.table;
            let creates = used.create_index(name, desired).into_iter();
            changes.extend(creates.map(|change| Change::on(name.clone(), change)));
        }
    }
}

fn key(
    table: &Table<'_>,
    column: &Identifier,
    desired: &ForeignKey,
    used: &mut UsedNames,
    changes: &mut Vec<Change>,
) {
    let mut change = |change| changes.push(Change::on(table.desired.table.clone(), change));

    let fits = table
        .actual
        .foreign_keys
        .iter()
        .map(|actual| (serves::key(column, desired, &actual.into()), actual));

    let best = fits.clone().min_by_key(|(fit, _)| Reverse(*fit));
    let is_replaced = |key: &ActualForeignKey| {
        best.is_some_and(|(fit, best)| fit.is_unfit() && best.name == key.name)
    };

    for (_, wrong) in fits.filter(|(fit, key)| fit.is_unfit() && !is_replaced(key)) {
        change(ForeignKeyChange::Drop {
            name: wrong.name.clone(),
            definition: wrong.definition.clone(),
        });
    }

    // The first of the best.
    match best {
        Some((KeyFit::Serves, _)) => {}
        Some((KeyFit::NotEnforced | KeyFit::OtherAction, key)) => {
            change(ForeignKeyChange::Replace {
                name: key.name.clone(),
                parent: key.table.clone(),
                definition: definition(column, desired, key),
                was: key.definition.clone(),
            });
        }
        Some((KeyFit::Unproven, unproven)) => change(ForeignKeyChange::Validate {
            name: unproven.name.clone(),
            parent: unproven.table.clone(),
        }),
        _ => change(ForeignKeyChange::Add {
            name: used.foreign_key(&table.desired.table, std::slice::from_ref(column)),
            column: column.clone(),
            foreign_key: desired.clone(),
        }),
    }
}

/// The foreign key as desired, with all else that is said of the actual one.
fn definition(column: &Identifier, desired: &ForeignKey, actual: &ActualForeignKey) -> String {
    let KeyClauses {
        before,
        on_delete,
        after,
    } = &actual.clauses;
    let action = match desired.on_delete {
        Some(action) => OnDelete::as_sql(action),
        None => on_delete,
    };

    format!(
        "FOREIGN KEY ({}) REFERENCES {} ({}){before} ON DELETE {action}{after}",
        sql::identifier(column),
        sql::table(&desired.table),
        sql::identifier(&desired.column)
    )
}
