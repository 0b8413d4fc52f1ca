//! Why a user or tenant is not exported or erased.

use std::fmt;
use std::io;

use sea_orm::DbErr;

use crate::debug::debug_is_display;
use crate::error::RlsError;
use crate::model::context::ContextError;
use crate::name::{Identifier, NameError};

/// A table of which the registry does not tell whose its rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndecidedTable {
    /// The table.
    pub table: String,
    /// What is missing.
    pub reason: String,
}

/// A table with rows of others that refer to the subject's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReferringTable {
    /// The table, with its schema.
    pub table: String,
    /// The table that it refers to.
    pub refers_to: String,
    /// The foreign key.
    pub key: String,
    /// How many rows.
    pub rows: u64,
}

/// Why a user or tenant is not exported or erased.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// The context names neither a user nor a tenant.
    #[error(
        "the context names neither a user nor a tenant of the registered tables, so nothing is \
         theirs"
    )]
    Nobody,
    /// It is not declared whose the rows of some tables are.
    #[error(
        "it is not decided whose the rows of these tables are: {}\nDeclare it on the entity, or \
         leave the table out with `Subject::skip`, and a reason",
        lines(.tables, |table| format!("{}: {}", table.table, table.reason))
    )]
    Undecided {
        /// All such tables.
        tables: Vec<UndecidedTable>,
    },
    /// Rows of others refer to the subject's.
    #[error(
        "rows of others refer to rows that would be erased: {}\nDelete these rows or change their \
         references first; nothing was erased by this statement",
        lines(.tables, |table| format!(
            "{} rows of {} refer to {} by `{}`", table.rows, table.table, table.refers_to, table.key
        ))
    )]
    ReferredTo {
        /// The tables that refer.
        tables: Vec<ReferringTable>,
    },
    /// Tables refer to each other in a circle.
    #[error(
        "the tables {} refer to each other, so none can be erased first: make one of the foreign \
         keys deferrable", .tables.join(", ")
    )]
    Cycle {
        /// The tables.
        tables: Vec<String>,
    },
    /// Rows are there after they were deleted.
    #[error(
        "{rows} rows of {table} are there after the erasure, whose last transaction was undone: a \
         trigger or rule keeps them, or they were added meanwhile; in the second case run it again"
    )]
    Left {
        /// The table, with its schema.
        table: String,
        /// How many rows.
        rows: u64,
    },
    /// The administrator does not reach all rows of a table, so some would be missed.
    #[error(
        "policies hide rows of {table} from the administrator `{role}`, so some would be missed, and \
         nothing was done: run the migrations, which restore its policy, and drop the restrictive \
         policies that are for it too"
    )]
    Blind {
        /// The administrator's role.
        role: Identifier,
        /// The table, with its schema.
        table: String,
    },
    /// A name of what is to be left out is that of no table, or of several.
    #[error(
        "no table, or more than one, is named `{table}`, which is to be left out: write the name as \
         the entity does, with its schema; nothing was done"
    )]
    NotLeftOut {
        /// The name as it was given.
        table: String,
    },
    /// A registered table does not exist.
    #[error("there is no table {table}: run the migrations")]
    NoTable {
        /// The table.
        table: String,
    },
    /// A line could not be written.
    #[error("cannot write a line of the export: {0}")]
    Write(#[from] io::Error),
    /// A table that is to be left out has a name that PostgreSQL would not keep.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A context cannot be carried.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// Any other error.
    #[error(transparent)]
    Rls(#[from] RlsError),
}

debug_is_display!(SubjectError);

impl From<DbErr> for SubjectError {
    fn from(error: DbErr) -> Self {
        Self::Rls(error.into())
    }
}

fn lines<T, D: fmt::Display>(items: &[T], line: impl Fn(&T) -> D) -> String {
    let lines: Vec<String> = items
        .iter()
        .map(|item| format!("\n  - {}", line(item)))
        .collect();
    lines.concat()
}
