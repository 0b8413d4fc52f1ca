//! How the rows of one table belong to users, as plain data.

use crate::name::{Identifier, SettingName, TableName};

/// The types an owner column can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// `uuid`, in Rust `Uuid`.
    Uuid,
    /// `integer`, in Rust `i32`.
    Integer,
    /// `bigint`, in Rust `i64`.
    BigInteger,
    /// `text` or `varchar`, in Rust `String`.
    Text,
}

impl KeyType {
    /// PostgreSQL's name of the type, as `format_type` prints it.
    #[must_use]
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Integer => "integer",
            Self::BigInteger => "bigint",
            Self::Text => "text",
        }
    }
}

/// What happens to a user's rows when the user is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OnDelete {
    /// They are deleted too.
    Cascade,
    /// The user cannot be deleted while there are any; checked at once.
    Restrict,
    /// The user cannot be deleted while there are any; checked at the end of the statement.
    NoAction,
}

impl OnDelete {
    /// The words of `ON DELETE`.
    #[must_use]
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Cascade => "CASCADE",
            Self::Restrict => "RESTRICT",
            Self::NoAction => "NO ACTION",
        }
    }
}

/// The scope of one table: whose its rows are, and how the database knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The table.
    pub table: TableName,
    /// The column that names the owner.
    pub owner: Identifier,
    /// The type of that column.
    pub key: KeyType,
    /// The setting that carries the current user.
    pub setting: SettingName,
    /// Whether the rows are the users themselves, or belong to users.
    pub kind: ScopeKind,
}

/// Whether a table's rows are users, or belong to users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// The rows are the users: each owns itself, by its primary key.
    Identity,
    /// The rows belong to users.
    Owned(Owned),
}

/// What the migration keeps beside the policies on a table whose rows belong to users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The foreign key from the owner column to the identity.
    pub foreign_key: Option<ForeignKey>,
    /// The columns of the index, the owner first.
    pub index: Vec<Identifier>,
    /// Whether the owner column's default is the current user.
    pub default: bool,
    /// The SQL expression that gives existing rows their owner, where the entity names one.
    pub backfill: Option<String>,
}

/// A foreign key from an owner column to the identity's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The identity's table.
    pub table: TableName,
    /// The identity's key column.
    pub column: Identifier,
    /// The action, where the entity names one; without, a new key cascades and an existing one is left as it is.
    pub on_delete: Option<OnDelete>,
}
