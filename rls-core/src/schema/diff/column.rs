use std::cmp::Reverse;

use super::Table;
use crate::error::SchemaError;
use crate::model::policy::Canonical;
use crate::name::Identifier;
use crate::schema::plan::Change;
use crate::schema::table::serves::{self, IndexFit, KeyFit};
use crate::schema::table::{ActualIndex, DesiredColumn};

pub(super) fn columns(table: &Table<'_>, changes: &mut Vec<Change>) -> Result<(), SchemaError> {
    let name = &table.desired.table;
    for asked in &table.desired.columns {
        let column = &asked.name;
        let found = table.actual.columns.get(column);

        match found {
            None => {
                if let Some(found) = renamed(table, asked) {
                    let (table, column) = (name.to_string(), column.to_string());
                    return Err(SchemaError::OwnerRenamed {
                        table,
                        column,
                        found,
                    });
                }

                changes.push(Change::AddOwnerColumn {
                    table: name.clone(),
                    column: column.clone(),
                    key: asked.key,
                    backfill: asked.backfill.clone(),
                });
            }
            Some(found) if !found.not_null || found.unproven.is_some() => {
                changes.push(Change::SetNotNull {
                    table: name.clone(),
                    column: column.clone(),
                    backfill: asked.backfill.clone(),
                    unproven: found.unproven.clone(),
                })
            }
            Some(_) => {}
        }

        let was = found.and_then(|found| found.default.as_ref());
        let canonical = table
            .canonical
            .and_then(|canonical| canonical.defaults.get(column));

        if let Some(default) = &asked.default
            && (was.is_none() || was != canonical)
        {
            changes.push(Change::SetDefault {
                table: name.clone(),
                column: column.clone(),
                default: Some(default.clone()),
                was: was.map(Canonical::to_expression),
            });
        }
    }

    Ok(())
}

/// A column that no key asks for and whose default is this key's: most likely it, under its old
/// name.
fn renamed(table: &Table<'_>, asked: &DesiredColumn) -> Option<String> {
    let default = table.canonical?.defaults.get(&asked.name)?;
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
        .map(|(name, _)| name.to_string())
}

pub(super) fn keys(
    Table {
        desired, actual, ..
    }: &Table<'_>,
    changes: &mut Vec<Change>,
) {
    for asked in &desired.columns {
        let Some(foreign_key) = &asked.foreign_key else {
            continue;
        };
        let fits = actual
            .foreign_keys
            .iter()
            .map(|found| (serves::key(&asked.name, foreign_key, &found.into()), found));

        for (_, wrong) in fits.clone().filter(|(fit, _)| fit.is_unfit()) {
            changes.push(Change::DropForeignKey {
                table: desired.table.clone(),
                name: wrong.name.clone(),
                definition: wrong.definition.clone(),
            });
        }

        // The first of the best.
        let best = fits.min_by_key(|(fit, _)| Reverse(*fit));
        if let Some((KeyFit::Unproven, unproven)) = best {
            changes.push(Change::ValidateForeignKey {
                table: desired.table.clone(),
                name: unproven.name.clone(),
                parent: unproven.table.clone(),
            });
        }

        if best.is_none_or(|(fit, _)| fit < KeyFit::Unproven) {
            changes.push(Change::AddForeignKey {
                table: desired.table.clone(),
                column: asked.name.clone(),
                foreign_key: foreign_key.clone(),
            });
        }
    }

    for asked in &desired.indexes {
        let serves = |found: &ActualIndex| serves::index(asked, &found.into()) == IndexFit::Serves;
        if !actual.indexes.iter().any(serves) {
            changes.push(Change::CreateIndex {
                table: desired.table.clone(),
                columns: asked.columns.clone(),
                only: asked.only.clone(),
            });
        }
    }
}
