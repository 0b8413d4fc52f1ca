use crate::name::Identifier;
use crate::schema::plan::ColumnChange;
use crate::sql::{expression, identifier};

/// The server alters no table for which a deferred check is still to come.
const IMMEDIATE: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// Renders a change of a table; `table` is quoted already.
pub(super) fn statements(table: &str, column: &Identifier, change: &ColumnChange) -> Vec<String> {
    let name = identifier(column);
    let alter = format!("ALTER TABLE {table} ALTER COLUMN {name}");

    match change {
        ColumnChange::Add { key, backfill } => {
            let add = format!("ALTER TABLE {table} ADD COLUMN {name} {}", key.as_sql());
            match backfill {
                None => vec![format!("{add} NOT NULL")],
                Some(backfill) => vec![
                    add,
                    update(table, &name, backfill),
                    IMMEDIATE.to_owned(),
                    format!("{alter} SET NOT NULL"),
                ],
            }
        }
        ColumnChange::Drop => vec![format!("ALTER TABLE {table} DROP COLUMN {name}")],
        ColumnChange::SetNotNull { backfill, unproven } => {
            let set = match unproven {
                None => format!("{alter} SET NOT NULL"),
                Some(constraint) => format!(
                    "ALTER TABLE {table} VALIDATE CONSTRAINT {}",
                    identifier(constraint)
                ),
            };

            let fill = backfill
                .as_ref()
                .map(|backfill| [update(table, &name, backfill), IMMEDIATE.to_owned()]);
            fill.into_iter().flatten().chain([set]).collect()
        }
        ColumnChange::DropNotNull => vec![format!("{alter} DROP NOT NULL")],
        ColumnChange::SetDefault { default, .. } => {
            let words = default.as_ref().map_or_else(
                || "DROP DEFAULT".to_owned(),
                |default| format!("SET DEFAULT {}", expression(default).trim_end()),
            );
            vec![format!("{alter} {words}")]
        }
    }
}

/// Fills the column in the rows that have NULL there.
pub(super) fn update(table: &str, column: &str, expression: &str) -> String {
    // The line break keeps a comment at the end of the expression from swallowing what follows.
    format!("UPDATE {table} SET {column} = ({expression}\n) WHERE {column} IS NULL")
}
