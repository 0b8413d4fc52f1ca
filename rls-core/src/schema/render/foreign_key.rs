use crate::model::key::OnDelete;
use crate::name::TableName;
use crate::schema::plan::ForeignKeyChange;
use crate::sql::{identifier, table};

pub(super) fn statement(name: &TableName, change: &ForeignKeyChange) -> String {
    let alter = format!("ALTER TABLE {}", table(name));
    match change {
        ForeignKeyChange::Add {
            name,
            column,
            foreign_key,
        } => format!(
            "{alter} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {}",
            identifier(name),
            identifier(column),
            table(&foreign_key.table),
            identifier(&foreign_key.column),
            foreign_key.on_delete.unwrap_or(OnDelete::Cascade).as_sql()
        ),
        ForeignKeyChange::Drop { name, .. } => {
            format!("{alter} DROP CONSTRAINT {}", identifier(name))
        }
        ForeignKeyChange::Replace {
            name, definition, ..
        } => {
            let name = identifier(name);
            format!("{alter} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition}")
        }
        ForeignKeyChange::Restore { name, definition } => {
            format!("{alter} ADD CONSTRAINT {} {definition}", identifier(name))
        }
        ForeignKeyChange::Validate { name, .. } => {
            format!("{alter} VALIDATE CONSTRAINT {}", identifier(name))
        }
    }
}
