use rls_core::{Identifier, TableName};
use sea_orm_migration::sea_orm::DbErr;
use sea_orm_migration::sea_query::{self, TableRef};

/// The name of a table, in every form that SeaORM takes.
pub(crate) fn named(table: impl Into<TableRef>) -> Result<TableName, DbErr> {
    let TableRef::Table(sea_query::TableName(schema, table), _) = table.into() else {
        return Err(DbErr::Migration(
            "row security belongs to a table: name one, not a query or a function".to_owned(),
        ));
    };

    let checked = |name: String| {
        Identifier::new(name).map_err(|error| DbErr::Migration(format!("a table: {error}")))
    };

    Ok(TableName {
        schema: schema
            .map(|schema| checked(schema.1.to_string()))
            .transpose()?,
        table: checked(table.to_string())?,
    })
}
