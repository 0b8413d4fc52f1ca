//! From a SeaORM entity to its scope: what `#[derive(UserScoped)]` emits calls into here.

use std::str::FromStr;

use sea_orm::sea_query::{Alias, ColumnType, DynIden, IntoIden};
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn};

use crate::error::{DeclarationError, NameError};
use crate::name::{Identifier, SettingName, TableName};
use crate::scope::{KeyType, OnDelete};

/// The setting that carries the current user where an entity names no other.
pub const DEFAULT_SETTING: &str = "app.user_id";

/// The owner column where an entity names no other.
pub const DEFAULT_OWNER: &str = "owner_id";

/// An entity whose rows belong to users; implemented by `#[derive(UserScoped)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not scoped to users",
    note = "derive `UserScoped` on its `Model`"
)]
pub trait UserScoped: EntityTrait {
    /// What the entity says of its owner.
    fn declaration() -> Declaration;

    /// The owner column, for filters and joins; it exists in the table even where the model has no such field.
    #[must_use]
    fn owner_column() -> DynIden {
        Alias::new(Self::declaration().owner.column).into_iden()
    }
}

/// A Rust type an owner column can have.
///
/// Implement it for a type of your own whose column is `uuid`, `integer`, `bigint`, `text` or `varchar`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of an owner column",
    label = "expected `Uuid`, `i32`, `i64` or `String`",
    note = "an owner column is never NULL: write `Uuid`, not `Option<Uuid>`"
)]
pub trait OwnerKey {}

impl OwnerKey for uuid::Uuid {}
impl OwnerKey for i32 {}
impl OwnerKey for i64 {}
impl OwnerKey for String {}

/// What one entity says of its owner, not yet checked; built by `#[derive(UserScoped)]`.
#[derive(Clone, Debug)]
pub struct Declaration {
    pub(crate) table: RawTable,
    pub(crate) owner: RawColumn,
    pub(crate) setting: String,
    pub(crate) kind: DeclaredKind,
}

#[derive(Clone, Debug)]
pub(crate) enum DeclaredKind {
    Identity,
    Owned(DeclaredOwned),
}

#[derive(Clone, Debug)]
pub(crate) struct DeclaredOwned {
    pub(crate) user: Option<(RawTable, RawColumn)>,
    pub(crate) foreign_key: bool,
    pub(crate) on_delete: Option<OnDelete>,
    pub(crate) index: Option<Vec<String>>,
    pub(crate) default: bool,
    pub(crate) backfill: Option<String>,
}

/// A table as an entity names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawTable {
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
}

impl RawTable {
    fn of<E: EntityTrait>() -> Self {
        let entity = E::default();
        Self { schema: entity.schema_name().map(str::to_owned), table: entity.table_name().to_owned() }
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

/// A column as an entity names it; `key` is its type, or what SeaORM calls it where no owner can have that type.
/// `None` where the model has no such field: the type is then the identity's.
#[derive(Clone, Debug)]
pub(crate) struct RawColumn {
    pub(crate) column: String,
    pub(crate) key: Option<Result<KeyType, String>>,
}

impl RawColumn {
    fn of<C: ColumnTrait>(column: C) -> Self {
        Self { column: column.as_str().to_owned(), key: Some(key_type(column.def().get_column_type())) }
    }

    /// The single column of a primary key; `None` for a composite one.
    fn primary_key<E: EntityTrait>() -> Option<Self> {
        let mut keys = E::PrimaryKey::iter();
        match (keys.next(), keys.next()) {
            (Some(key), None) => Some(Self::of(key.into_column())),
            _ => None,
        }
    }
}

fn key_type(column: &ColumnType) -> Result<KeyType, String> {
    match column {
        ColumnType::Uuid => Ok(KeyType::Uuid),
        // SeaORM writes unsigned columns as these types on PostgreSQL, which has no unsigned ones.
        ColumnType::Integer | ColumnType::Unsigned => Ok(KeyType::Integer),
        ColumnType::BigInteger | ColumnType::BigUnsigned => Ok(KeyType::BigInteger),
        ColumnType::String(_) | ColumnType::Text => Ok(KeyType::Text),
        other => Err(format!("{other:?}")),
    }
}

impl Declaration {
    /// The entity's rows are the users themselves.
    #[must_use]
    pub fn identity<E: EntityTrait>() -> Self {
        Self {
            table: RawTable::of::<E>(),
            owner: RawColumn::primary_key::<E>().unwrap_or_else(|| RawColumn {
                column: String::new(),
                key: Some(Err("a composite primary key".to_owned())),
            }),
            setting: DEFAULT_SETTING.to_owned(),
            kind: DeclaredKind::Identity,
        }
    }

    /// The entity's rows belong to users; `field` is the model's owner field.
    #[must_use]
    pub fn owned<E: EntityTrait>(field: &str) -> Self {
        let owner = match E::Column::from_str(field) {
            Ok(column) => RawColumn::of(column),
            Err(_) => RawColumn { column: field.to_owned(), key: Some(Err(format!("no column that `{field}` names"))) },
        };
        Self::with_owner::<E>(owner)
    }

    /// The entity's rows belong to users, and the model has no owner field: only the table has the column, of the
    /// type of the identity's key.
    #[must_use]
    pub fn owned_in_table<E: EntityTrait>(column: &str) -> Self {
        match E::Column::from_str(column) {
            // The model has the column after all, under a field of another name.
            Ok(column) => Self::with_owner::<E>(RawColumn::of(column)),
            Err(_) => Self::with_owner::<E>(RawColumn { column: column.to_owned(), key: None }),
        }
    }

    fn with_owner<E: EntityTrait>(owner: RawColumn) -> Self {
        Self {
            table: RawTable::of::<E>(),
            owner,
            setting: DEFAULT_SETTING.to_owned(),
            kind: DeclaredKind::Owned(DeclaredOwned {
                user: None,
                foreign_key: true,
                on_delete: None,
                index: None,
                default: true,
                backfill: None,
            }),
        }
    }

    /// The setting that carries the current user.
    #[must_use]
    pub fn setting(mut self, name: &str) -> Self {
        name.clone_into(&mut self.setting);
        self
    }

    /// The entity of the users.
    #[must_use]
    pub fn user<U: EntityTrait>(self) -> Self {
        self.with_owned(|owned| {
            let key = RawColumn::primary_key::<U>().unwrap_or_else(|| RawColumn {
                column: String::new(),
                key: Some(Err("a composite primary key".to_owned())),
            });
            owned.user = Some((RawTable::of::<U>(), key));
        })
    }

    /// The foreign key's action.
    #[must_use]
    pub fn on_delete(self, on_delete: OnDelete) -> Self {
        self.with_owned(|owned| owned.on_delete = Some(on_delete))
    }

    /// The columns that follow the owner in the index, as fields or columns.
    #[must_use]
    pub fn index<E: EntityTrait>(self, fields: &[&str]) -> Self {
        let columns = fields
            .iter()
            .map(|field| match E::Column::from_str(field) {
                Ok(column) => column.as_str().to_owned(),
                Err(_) => (*field).to_owned(),
            })
            .collect();
        self.with_owned(|owned| owned.index = Some(columns))
    }

    /// No default on the owner column: every insert names the owner.
    #[must_use]
    pub fn no_default(self) -> Self {
        self.with_owned(|owned| owned.default = false)
    }

    /// No foreign key to the identity.
    #[must_use]
    pub fn no_foreign_key(self) -> Self {
        self.with_owned(|owned| owned.foreign_key = false)
    }

    /// The SQL expression that gives existing rows their owner.
    #[must_use]
    pub fn backfill(self, expression: &str) -> Self {
        self.with_owned(|owned| owned.backfill = Some(expression.to_owned()))
    }

    fn with_owned(mut self, change: impl FnOnce(&mut DeclaredOwned)) -> Self {
        if let DeclaredKind::Owned(owned) = &mut self.kind {
            change(owned);
        }
        self
    }

    pub(crate) fn check_setting(&self) -> Result<SettingName, NameError> {
        SettingName::new(&self.setting)
    }
}

/// The key type of a checked column, or why it cannot be an owner's.
pub(crate) fn owner_key(table: &RawTable, column: &RawColumn) -> Result<Option<KeyType>, DeclarationError> {
    match &column.key {
        None => Ok(None),
        Some(Ok(key)) => Ok(Some(*key)),
        Some(Err(found)) => Err(DeclarationError::OwnerType {
            table: table.to_string(),
            column: column.column.clone(),
            found: found.clone(),
        }),
    }
}
