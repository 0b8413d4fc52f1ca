use crate::name::TableName;
use crate::schema::plan::IndexChange;
use crate::sql::{identifier, table};

pub(super) fn statement(name: &TableName, change: &IndexChange) -> String {
    match change {
        IndexChange::Create {
            name: index,
            columns,
            only,
        } => {
            let filter = only
                .as_ref()
                .map_or_else(String::new, |only| format!(" WHERE {}", identifier(only)));
            let columns: Vec<String> = columns.iter().map(identifier).collect();

            format!(
                "CREATE INDEX {} ON {} ({}){filter}",
                identifier(index),
                table(name),
                columns.join(", ")
            )
        }
        IndexChange::CreateUnique {
            name: index,
            columns,
        } => {
            let columns: Vec<String> = columns.iter().map(identifier).collect();
            format!(
                "CREATE UNIQUE INDEX {} ON {} ({})",
                identifier(index),
                table(name),
                columns.join(", ")
            )
        }
        IndexChange::Drop { .. }
        | IndexChange::DropUnique { .. }
        | IndexChange::DropInvalid { .. } => {
            format!("DROP INDEX {}", qualified(name, change))
        }
    }
}

/// The index's name with its schema, which is the table's.
pub(super) fn qualified(name: &TableName, change: &IndexChange) -> String {
    table(&TableName {
        schema: name.schema.clone(),
        table: change.name().clone(),
    })
}
