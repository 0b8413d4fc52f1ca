//! What refused a statement.

use std::fmt;

use sea_orm::{DbErr, sqlx};
use sqlx::postgres::PgDatabaseError;

use super::RlsError;
use crate::model::privilege::Command;
use crate::name::{Identifier, SettingName, TableName};
use crate::sqlstate;

/// What refused a statement: the table, and which of its rules. It holds no value of a row or of a
/// context; its `Display` is made for people who know the schema.
///
/// It is read from the server's fields, or, of privileges and policies, from the names in its message,
/// since it sends no fields there.
///
/// ```
/// # use rls_core::RlsError;
/// # use rls_core::error::{Refusal, RefusedBy};
/// # fn answer(error: &sea_orm::DbErr) -> u16 {
/// match Refusal::of(error).map(|refusal| refusal.by) {
///     Some(RefusedBy::Unique { .. }) => 409,
///     Some(RefusedBy::NotNull { .. } | RefusedBy::Check { .. }) => 422,
///     Some(_) => 403,
///     None => 500,
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The table, if the server names it; of a policy or privilege without its schema.
    pub table: Option<TableName>,
    /// The rule.
    pub by: RefusedBy,
    /// The SQLSTATE.
    pub sqlstate: String,
}

/// The rule that refused a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedBy {
    /// A policy: the row is not this context's to write.
    Policy {
        /// The policy; the server names only restrictive ones.
        policy: Option<Identifier>,
    },
    /// The context does not set what a policy compares the row with.
    Context {
        /// The settings that are missing, if the table is known.
        settings: Vec<SettingName>,
    },
    /// Row security would have hidden rows from a statement that must see all.
    Hidden,
    /// The login lacks a privilege on a table, or on another object.
    Grant {
        /// The object as the message names it, without its schema.
        object: Option<String>,
    },
    /// The privilege is limited to other columns.
    Columns {
        /// [`Command::Insert`] or [`Command::Update`].
        command: Command,
        /// The columns that are not granted; none if an insert names no columns.
        columns: Vec<String>,
    },
    /// A foreign key: the row referred to is not there, or others refer to the row. The table is the
    /// one that refers.
    ForeignKey {
        /// The constraint.
        constraint: Identifier,
    },
    /// Another row has the same key, whoever's it is.
    Unique {
        /// The constraint or index.
        constraint: Identifier,
    },
    /// An exclusion constraint.
    Exclusion {
        /// The constraint.
        constraint: Identifier,
    },
    /// A check.
    Check {
        /// The constraint.
        constraint: Identifier,
    },
    /// A column that must have a value.
    NotNull {
        /// The column.
        column: Identifier,
    },
    /// A domain: its check, or its `NOT NULL`.
    Domain {
        /// The domain.
        domain: Identifier,
    },
    /// No partition takes the row.
    Partition,
    /// A view's `WITH CHECK OPTION`.
    View,
    /// A trigger or function, by an error of its own (P0001).
    Raised,
}

impl Refusal {
    /// What refused a statement; `None` if the error is of another kind, such as a lost connection or
    /// a mistake in the SQL.
    #[must_use]
    pub fn of(error: &DbErr) -> Option<Self> {
        Self::of_ours(&RlsError::from(error))
    }

    /// The same of an error of this library.
    #[must_use]
    pub fn of_ours(error: &RlsError) -> Option<Self> {
        let (table, by) = match error {
            RlsError::TransactionFailed { first } => return Self::of(first),
            RlsError::Database(error) => return Self::of_fields(fields(error)?),
            RlsError::PolicyRefused { table, message } => {
                let policy = quoted_before_last(message);
                (table, RefusedBy::Policy { policy })
            }
            RlsError::MissingContext { table, settings } => {
                let settings = settings.clone();
                (table, RefusedBy::Context { settings })
            }
            RlsError::RowsHidden { table, .. } => (table, RefusedBy::Hidden),
            RlsError::MissingGrant { table, message } => {
                let object = table.clone();
                let is_table = sqlstate::is_of_table(message);
                let table = if is_table { table } else { &None };
                (table, RefusedBy::Grant { object })
            }
            RlsError::ColumnNotGranted {
                table,
                command,
                columns,
                ..
            } => {
                let by = RefusedBy::Columns {
                    command: *command,
                    columns: columns.clone(),
                };
                (&Some(table.clone()), by)
            }
            _ => return None,
        };

        let named = |table: &String| {
            let table = Identifier::new(table.as_str()).ok()?;
            Some(TableName {
                schema: None,
                table,
            })
        };
        Some(Self {
            table: table.as_ref().and_then(named),
            by,
            sqlstate: error.sqlstate()?,
        })
    }

    /// By the fields that the server sends with an error of a constraint.
    fn of_fields(error: &PgDatabaseError) -> Option<Self> {
        let name = |name: Option<&str>| Identifier::new(name?).ok();
        let (constraint, domain) = (name(error.constraint()), name(error.data_type()));

        let by = match (error.code(), constraint, domain) {
            _ if error.routine() == Some(RAISE) => RefusedBy::Raised,
            (sqlstate::NOT_NULL_VIOLATION | sqlstate::CHECK_VIOLATION, _, Some(domain)) => {
                RefusedBy::Domain { domain }
            }
            (sqlstate::NOT_NULL_VIOLATION, ..) => RefusedBy::NotNull {
                column: name(error.column())?,
            },
            (sqlstate::CHECK_VIOLATION, Some(constraint), _) => RefusedBy::Check { constraint },
            (sqlstate::CHECK_VIOLATION, None, _) => RefusedBy::Partition,
            // Since PostgreSQL 18, a key with `RESTRICT` has a code of its own.
            (sqlstate::FOREIGN_KEY_VIOLATION | "23001", Some(constraint), _) => {
                RefusedBy::ForeignKey { constraint }
            }
            (sqlstate::UNIQUE_VIOLATION, Some(constraint), _) => RefusedBy::Unique { constraint },
            ("23P01", Some(constraint), _) => RefusedBy::Exclusion { constraint },
            ("44000", ..) => RefusedBy::View,
            ("P0001", ..) => RefusedBy::Raised,
            _ => return None,
        };

        let table = name(error.table()).map(|table| TableName {
            schema: name(error.schema()),
            table,
        });
        Some(Self {
            table,
            by,
            sqlstate: error.code().to_owned(),
        })
    }
}

/// Where a function's `RAISE` is run, with any code (`src/pl/plpgsql/src/pl_exec.c`).
const RAISE: &str = "exec_stmt_raise";

fn fields(error: &DbErr) -> Option<&PgDatabaseError> {
    sqlstate::database_error(sqlstate::sqlx_error(error)?)
}

/// The policy in `new row violates row-level security policy "p" for table "t"`.
fn quoted_before_last(message: &str) -> Option<Identifier> {
    let mut quoted = message.split('"').skip(1).step_by(2);
    let (first, _last) = (quoted.next()?, quoted.next()?);
    Identifier::new(first).ok()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |f: &mut fmt::Formatter<'_>| match &self.table {
            Some(table) => write!(f, " of `{table}`"),
            None => Ok(()),
        };

        match &self.by {
            RefusedBy::Policy { policy: None } => f.write_str("the policies")?,
            RefusedBy::Policy {
                policy: Some(policy),
            } => write!(f, "the policy `{policy}`")?,
            RefusedBy::Context { settings } if settings.is_empty() => {
                f.write_str("the policies, without a user or tenant in the context,")?;
            }
            RefusedBy::Context { settings } => {
                let settings = names(settings);
                write!(f, "the policies, without {settings} in the context,")?;
            }
            RefusedBy::Hidden => f.write_str("row security, which hides rows")?,
            RefusedBy::Grant { object } => {
                let object = object.as_deref().unwrap_or("an object");
                return write!(f, "the login's privileges on `{object}`");
            }
            RefusedBy::Columns { command, columns } => {
                let columns = match columns.as_slice() {
                    [] => "all columns".to_owned(),
                    columns => names(columns),
                };
                write!(f, "the login's {} on {columns}", command.as_sql())?;
            }
            RefusedBy::ForeignKey { constraint } => write!(f, "the foreign key `{constraint}`")?,
            RefusedBy::Unique { constraint } => write!(f, "the unique key `{constraint}`")?,
            RefusedBy::Exclusion { constraint } => write!(f, "the exclusion `{constraint}`")?,
            RefusedBy::Check { constraint } => write!(f, "the check `{constraint}`")?,
            RefusedBy::NotNull { column } => write!(f, "NOT NULL on `{column}`")?,
            RefusedBy::Domain { domain } => write!(f, "the domain `{domain}`")?,
            RefusedBy::Partition => f.write_str("the partitions")?,
            RefusedBy::View => f.write_str("the check option of a view")?,
            RefusedBy::Raised => f.write_str("a trigger or function")?,
        }
        of(f)
    }
}

fn names(names: &[impl fmt::Display]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
