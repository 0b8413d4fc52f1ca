use super::table::Table;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, ColumnChange, ForeignKeyChange, RowSecurityChange, TableChange};
use crate::sql;

/// These changes, and around them the changes that lift and restore the force of each table that
/// they read and whose force then holds.
pub(super) fn lifted(
    tables: &[Table<'_>],
    is_forced: impl Fn(&Table<'_>) -> bool,
    changes: Vec<Change>,
) -> Vec<Change> {
    let forced = tables.iter().filter(|table| is_forced(table));
    let read = |table: &&TableName| changes.iter().any(|change| reads(change, table));
    let lifted: Vec<TableName> = forced
        .map(|table| &table.desired.table)
        .filter(read)
        .cloned()
        .collect();

    let each = |change: RowSecurityChange| {
        lifted
            .iter()
            .map(move |table| Change::on(table.clone(), change))
    };

    each(RowSecurityChange::LiftForce)
        .chain(changes)
        .chain(each(RowSecurityChange::RestoreForce))
        .collect()
}

/// Whether a change reads rows of this table.
///
/// A backfill is taken to read each table that it names. If it does not read one of them, that
/// table is locked for nothing. If it reads another one, behind a function, the server refuses it,
/// since `row_security` is off.
fn reads(change: &Change, read: &TableName) -> bool {
    let Change::Table(table, change) = change else {
        return false;
    };

    match change {
        TableChange::Column(
            _,
            ColumnChange::Add {
                backfill: Some(backfill),
                ..
            }
            | ColumnChange::SetNotNull {
                backfill: Some(backfill),
                ..
            },
        ) => table == read || names(backfill, &read.table),
        // The server asks both tables in one query, as the login (`RI_Initial_Check` of
        // `ri_triggers.c`).
        TableChange::ForeignKey(ForeignKeyChange::Add { foreign_key, .. }) => {
            table == read || foreign_key.table == *read
        }
        TableChange::ForeignKey(
            ForeignKeyChange::Validate { parent, .. }
            | ForeignKeyChange::Replace { parent, .. }
            | ForeignKeyChange::Bind { parent, .. },
        ) => table == read || parent == read,
        // Citus copies the rows as the login, and without an error those alone that it sees.
        TableChange::Distribution(_) => table == read,
        _ => false,
    }
}

fn names(expression: &str, table: &Identifier) -> bool {
    let is_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    expression.contains(&sql::identifier(table))
        || expression
            .split(|c| !is_of_word(c))
            .any(|word| word.to_lowercase() == table.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backfill_names_tables_as_words_or_in_quotes() {
        let names = |expression, table| super::names(expression, &Identifier::new(table).unwrap());
        assert!(
            names("SELECT id FROM Task t", "task")
                && names("(SELECT id FROM public.\"my task\")", "my task")
        );
        assert!(!names("holder(task_id)", "task") && !names("SELECT id FROM task", "Task"));
    }
}
