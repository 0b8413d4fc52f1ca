//! Why a question has no answer.

use sea_orm::DbErr;

use crate::debug::debug_is_display;
use crate::error::RlsError;
use crate::name::{Identifier, NameError, SettingName};

/// A question to [`Why`](super::Why) has no answer. No message contains a value.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum WhyError {
    /// A name that cannot be.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is no such table.
    #[error("there is no table `{table}`: write the name as the entity does, with its schema")]
    NoTable {
        /// The name.
        table: String,
    },
    /// The key has not as many values as the primary key has columns.
    #[error(
        "the primary key of `{table}` is ({}), and {given} values are given: give one for each column, in this \
         order",
        listed(columns)
    )]
    Key {
        /// The table.
        table: String,
        /// The columns of its primary key.
        columns: Vec<Identifier>,
        /// How many values are given.
        given: usize,
    },
    /// A value of the key is not of its column's type.
    #[error(
        "a value of the key is not of the type that ({}) of `{table}` has",
        listed(columns)
    )]
    KeyValue {
        /// The table.
        table: String,
        /// The columns.
        columns: Vec<Identifier>,
    },
    /// No row has the key.
    #[error("no row of `{table}` has this key")]
    NoRow {
        /// The table.
        table: String,
    },
    /// The values of a new row are no JSON object that fits the table.
    #[error(
        "the values are no row of `{table}`: write a JSON object of its columns, as \
         {{\"title\": \"rest\"}}"
    )]
    Values {
        /// The table.
        table: String,
    },
    /// The administrator does not see all rows of the table, so a row that is there may be missed.
    #[error(
        "the administrator `{role}` does not see all rows of `{table}`, so there is no answer: run \
         the migrations, which restore its policy and its grants"
    )]
    Blind {
        /// The administrator's role.
        role: Identifier,
        /// The table.
        table: String,
    },
    /// A word that names no setting.
    #[error(
        "`{word}` is no part of a context: write `user=…`, `tenant=…` or the setting itself, of which \
         the policies read {}",
        known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    )]
    Setting {
        /// The word.
        word: String,
        /// The settings that the policies read.
        known: Vec<SettingName>,
    },
    /// The server or the context refuses.
    #[error(transparent)]
    Rls(#[from] RlsError),
}

debug_is_display!(WhyError);

impl From<DbErr> for WhyError {
    fn from(error: DbErr) -> Self {
        Self::Rls(error.into())
    }
}

fn listed(columns: &[Identifier]) -> String {
    let columns: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
    columns.join(", ")
}
