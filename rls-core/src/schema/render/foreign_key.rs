use crate::model::key::OnDelete;
use crate::name::{Identifier, TableName};
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
        }
        | ForeignKeyChange::Bind {
            name,
            definition,
            was: Some(_),
            ..
        } => {
            let name = identifier(name);
            format!("{alter} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition}")
        }
        ForeignKeyChange::Restore { name, definition }
        | ForeignKeyChange::Bind {
            name, definition, ..
        } => {
            format!("{alter} ADD CONSTRAINT {} {definition}", identifier(name))
        }
        ForeignKeyChange::Validate { name, .. } => {
            format!("{alter} VALIDATE CONSTRAINT {}", identifier(name))
        }
    }
}

/// The rows that refer to a row of another owner, or to none: what stands behind `SELECT`. The table
/// is `c`, the one that it refers to `p`.
pub(crate) fn foreign_rows(
    name: &TableName,
    parent: &TableName,
    columns: &[(Identifier, Identifier)],
) -> String {
    let sides = |of: &(Identifier, Identifier)| {
        let (own, other) = (identifier(&of.0), identifier(&of.1));
        (format!("c.{own}"), format!("p.{other}"))
    };

    let Some((reference, owners)) = columns.split_last() else {
        return String::new();
    };
    let (own, other) = sides(reference);
    let differs: Vec<String> = owners
        .iter()
        .map(sides)
        .map(|(own, other)| format!("{own} IS DISTINCT FROM {other}"))
        .collect();

    format!(
        "FROM {} c LEFT JOIN {} p ON {other} = {own} WHERE {own} IS NOT NULL AND ({})",
        table(name),
        table(parent),
        differs.join(" OR ")
    )
}
