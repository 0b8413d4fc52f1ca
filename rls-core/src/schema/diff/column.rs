use super::table::Table;
use crate::error::SchemaError;
use crate::model::policy::Canonical;
use crate::name::Identifier;
use crate::schema::plan::{Change, ColumnChange, ForeignKeyChange, IndexChange, TableChange};
use crate::schema::table::{ActualForeignKey, ActualIndex, DesiredColumn, DesiredIndex};

pub(super) fn columns(table: &Table<'_>, changes: &mut Vec<Change>) -> Result<(), SchemaError> {
    let name = &table.desired.table;
    for asked in &table.desired.columns {
        let column = &asked.name;
        let found = table.actual.columns.get(column);
        let mut change = |change| {
            changes.push(Change::on(
                name.clone(),
                TableChange::Column(column.clone(), change),
            ));
        };

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

                change(ColumnChange::Add {
                    key: asked.key,
                    backfill: asked.backfill.clone(),
                });
            }
            Some(found) if !found.not_null || found.unproven.is_some() => {
                change(ColumnChange::SetNotNull {
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
            change(ColumnChange::SetDefault {
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
        let same_target = |found: &&ActualForeignKey| {
            found.column == asked.name
                && found.table == foreign_key.table
                && found.parent_column == foreign_key.column
        };

        let action_holds = |found: &ActualForeignKey| {
            let asked = foreign_key.on_delete.is_none() || found.on_delete == foreign_key.on_delete;
            found.enforced && found.on_delete.is_some() && asked
        };

        let mut change = |change| changes.push(Change::on(desired.table.clone(), change));
        let found: Vec<_> = actual.foreign_keys.iter().filter(same_target).collect();
        for wrong in found.iter().filter(|found| !action_holds(found)) {
            change(ForeignKeyChange::Drop {
                name: wrong.name.clone(),
                definition: wrong.definition.clone(),
            });
        }

        let holding = || found.iter().filter(|found| action_holds(found));
        let holding = holding()
            .find(|found| found.validated)
            .or_else(|| holding().next());

        if let Some(unproven) = holding.filter(|found| !found.validated) {
            change(ForeignKeyChange::Validate {
                name: unproven.name.clone(),
                parent: unproven.table.clone(),
            });
        }

        if holding.is_none() {
            change(ForeignKeyChange::Add {
                column: asked.name.clone(),
                foreign_key: foreign_key.clone(),
            });
        }
    }

    for DesiredIndex { columns, only } in &desired.indexes {
        let serves =
            |found: &ActualIndex| found.columns.starts_with(columns) && found.only == *only;
        if !actual.indexes.iter().any(serves) {
            let create = IndexChange::Create {
                columns: columns.clone(),
                only: only.clone(),
            };
            changes.push(Change::on(desired.table.clone(), create));
        }
    }
}
