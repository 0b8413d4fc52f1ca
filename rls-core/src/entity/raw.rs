//! Tables, columns and relations as an entity names them, before any check.

use sea_orm::sea_query::{ColumnType, TableRef};
use sea_orm::{ColumnTrait, EntityTrait, Identity, Iterable, PrimaryKeyToColumn, RelationTrait};

use crate::entity::DeclarationError;
use crate::model::key::KeyType;
use crate::name::{Identifier, NameError, TableName};

/// A table as an entity names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawTable {
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
}

impl RawTable {
    pub(crate) fn of<E: EntityTrait>() -> Self {
        let entity = E::default();
        Self {
            schema: entity.schema_name().map(str::to_owned),
            table: entity.table_name().to_owned(),
        }
    }

    pub(crate) fn check(&self) -> Result<TableName, NameError> {
        Ok(TableName {
            schema: self.schema.clone().map(Identifier::new).transpose()?,
            table: Identifier::new(self.table.clone())?,
        })
    }
}

impl std::fmt::Display for RawTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }

        f.write_str(&self.table)
    }
}

/// A column as an entity names it. `key` is its type, or SeaORM's name of the type if no owner can
/// have it. It is `None` if the model has no such field: the type is then that of the users'
/// primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawColumn {
    pub(crate) column: String,
    pub(crate) key: Option<Result<KeyType, String>>,
}

impl RawColumn {
    pub(super) fn of<C: ColumnTrait>(column: C) -> Self {
        Self {
            column: column.as_str().to_owned(),
            key: Some(key_type(column.def().get_column_type())),
        }
    }

    /// The column of a primary key. A composite key names no owner.
    pub(super) fn primary_key<E: EntityTrait>() -> Self {
        let mut keys = E::PrimaryKey::iter();
        match (keys.next(), keys.next()) {
            (Some(key), None) => Self::of(key.into_column()),
            _ => Self {
                column: String::new(),
                key: Some(Err("a composite primary key".to_owned())),
            },
        }
    }
}

fn key_type(column: &ColumnType) -> Result<KeyType, String> {
    match column {
        ColumnType::Uuid => Ok(KeyType::Uuid),
        // SeaORM writes unsigned columns as these types, since PostgreSQL has no unsigned ones.
        ColumnType::Integer | ColumnType::Unsigned => Ok(KeyType::Integer),
        ColumnType::BigInteger | ColumnType::BigUnsigned => Ok(KeyType::BigInteger),
        ColumnType::String(_) | ColumnType::Text => Ok(KeyType::Text),
        other => Err(format!("{other:?}")),
    }
}

impl RawColumn {
    /// The type of the key; `None` if the model does not tell. An error if no owner can have the
    /// type.
    pub(crate) fn key_type(&self, table: &RawTable) -> Result<Option<KeyType>, DeclarationError> {
        self.key
            .clone()
            .transpose()
            .map_err(|found| DeclarationError::OwnerType {
                table: table.to_string(),
                column: self.column.clone(),
                found,
            })
    }
}

/// A relation as an entity names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawReference {
    /// The relation's name, as the entity's attribute gives it.
    pub(crate) relation: String,
    /// The column, and the table and column that it refers to. `None` if there is no such relation,
    /// or if it is over several columns.
    pub(crate) found: Option<(String, RawTable, String)>,
    /// The relations there are.
    pub(crate) known: Vec<String>,
}

impl RawReference {
    /// Finds a relation by the name of its field (`project`) or of its variant (`Project`).
    pub(super) fn of<E: EntityTrait>(relation: &str) -> Self {
        Self::among::<E>(relation, |_| true)
    }

    /// The same of the relations by which the entity's own rows refer to others.
    pub(super) fn from_here<E: EntityTrait>(relation: &str) -> Self {
        Self::among::<E>(relation, |known| !known.def().is_owner)
    }

    fn among<E: EntityTrait>(relation: &str, is_meant: impl Fn(&E::Relation) -> bool) -> Self {
        let folded = |name: &str| name.replace('_', "").to_lowercase();
        let known = || E::Relation::iter().filter(|known| is_meant(known));
        let found = known().find(|known| folded(&known.name()) == folded(relation));

        Self {
            relation: relation.to_owned(),
            found: found.and_then(|relation| {
                let definition = relation.def();
                let (Identity::Unary(from), Identity::Unary(to)) =
                    (&definition.from_col, &definition.to_col)
                else {
                    return None;
                };
                Some((from.to_string(), table(&definition.to_tbl)?, to.to_string()))
            }),
            known: known().map(|known| known.name()).collect(),
        }
    }

    /// The columns of an entity that refer to a row of a table, each with that table.
    pub(super) fn columns<E: EntityTrait>() -> Vec<(String, RawTable)> {
        let refers = |relation: E::Relation| {
            let definition = relation.def();
            match &definition.from_col {
                Identity::Unary(from) if !definition.is_owner => {
                    Some((from.to_string(), table(&definition.to_tbl)?))
                }
                _ => None,
            }
        };

        E::Relation::iter().filter_map(refers).collect()
    }
}

fn table(reference: &TableRef) -> Option<RawTable> {
    let TableRef::Table(name, _) = reference else {
        return None;
    };
    Some(RawTable {
        schema: name.0.as_ref().map(|schema| schema.1.to_string()),
        table: name.1.to_string(),
    })
}
