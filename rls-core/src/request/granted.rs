//! The columns that a login may write, for the error that names those which it may not.

use std::collections::BTreeMap;

use crate::error::RlsError;
use crate::model::privilege::{Columns, Command, Privilege};
use crate::model::scope::Scope;
use crate::request::statement::written;

/// The limits of a login's privileges, by their tables' names without a schema, as the server's
/// messages have them.
#[derive(Debug, Default)]
pub(crate) struct GrantedColumns(BTreeMap<String, Columns>);

impl GrantedColumns {
    /// Those of the tables that are the only one of their name.
    pub(crate) fn new(scopes: &[Scope], columns: impl Fn(&Scope) -> &Columns) -> Self {
        let named = |scope: &Scope| scope.table.table.to_string();
        let is_alone = |scope: &&Scope| {
            let same = scopes.iter().filter(|other| named(other) == named(scope));
            same.count() == 1
        };
        let limited = scopes.iter().filter(|scope| !columns(scope).is_empty());
        let limited = limited.filter(is_alone);

        Self(
            limited
                .map(|scope| (named(scope), columns(scope).clone()))
                .collect(),
        )
    }

    /// The error that names the columns which a refused statement writes and may not; `None` if
    /// something else was refused.
    pub(crate) fn refusal(&self, table: &str, sql: &str) -> Option<RlsError> {
        let limits = self.0.get(table)?;
        written(sql).into_iter().find_map(|written| {
            let privilege = match written.command {
                Command::Insert => Privilege::Insert,
                _ => Privilege::Update,
            };
            let allowed = limits.get(&privilege).filter(|_| written.table == table)?;
            let is_allowed = |column: &String| allowed.iter().any(|it| it.as_str() == column);
            let columns = match written.columns {
                None => Vec::new(),
                Some(mut columns) => {
                    columns.retain(|column| !is_allowed(column));
                    Some(columns).filter(|columns| !columns.is_empty())?
                }
            };

            Some(RlsError::ColumnNotGranted {
                table: table.to_owned(),
                command: written.command,
                columns,
                allowed: allowed.iter().map(ToString::to_string).collect(),
            })
        })
    }
}
