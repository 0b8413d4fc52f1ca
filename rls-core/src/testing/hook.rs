//! Values that the caller gives.

use std::collections::BTreeMap;
use std::fmt;

use sea_orm::sea_query::{Expr, PostgresQueryBuilder, Query};
use sea_orm::{ActiveModelTrait, ActiveValue, ColumnTrait, EntityTrait, IdenStatic, Iterable};

use crate::name::{Identifier, NameError, SettingName, TableName};

use super::Actor;
use super::expect::RowSpec;
use super::shape::Subject;
use super::user::Users;

/// The row for which [`IsolationProof::rows`](super::IsolationProof::rows) gives values.
#[derive(Clone)]
pub struct RowFor {
    number: i32,
    user: Actor,
    shared: bool,
    deleted: bool,
    settings: BTreeMap<SettingName, String>,
}

impl RowFor {
    pub(super) fn new(number: i64, spec: &RowSpec, users: &Users) -> Self {
        let subject = spec.ties.subject;
        let user = if subject == Subject::Second {
            Actor::Second
        } else {
            Actor::First
        };

        let settings = users
            .settings(subject)
            .map(|(setting, value)| (setting.clone(), value.to_owned()))
            .collect();

        Self {
            number: i32::try_from(number).unwrap_or(i32::MAX),
            user,
            shared: !spec.shared.is_empty(),
            deleted: spec.deleted,
            settings,
        }
    }

    /// A number above 1,000,000,000 that no other row of the proof has, for unique columns.
    #[must_use]
    pub fn number(&self) -> i32 {
        self.number
    }

    /// The user for whom the row is.
    #[must_use]
    pub fn user(&self) -> Actor {
        self.user
    }

    /// Whether the row is to be shared, if its entity has `read`. The proof writes the column that
    /// says so, unless the server computes it from those that the caller gives.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Whether the row is to be marked as deleted, if its entity has `soft_delete`; likewise.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// The value of a setting of that user's context, such as `app.user_id`.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings
            .get(&SettingName::new(name).ok()?)
            .map(String::as_str)
    }
}

/// `Debug` shows no value of a context.
impl fmt::Debug for RowFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowFor")
            .field("number", &self.number)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Gives the values of a row, as SQL.
pub(super) type Hook =
    Box<dyn Fn(&RowFor) -> Result<Vec<(Identifier, String)>, NameError> + Send + Sync>;

/// The hooks, by the tables as the entities name them.
#[derive(Default)]
pub(super) struct Hooks(Vec<(TableName, Hook)>);

impl Hooks {
    pub(super) fn add(&mut self, table: TableName, hook: Hook) {
        self.0.push((table, hook));
    }

    pub(super) fn get(&self, table: &TableName, schema: &Identifier) -> Option<&Hook> {
        self.0
            .iter()
            .rev()
            .find(|(named, _)| named.or_in(schema) == *table)
            .map(|(_, hook)| hook)
    }
}

/// The values that are set in an active model, as SQL.
pub(super) fn values<A: ActiveModelTrait>(
    model: &A,
) -> Result<Vec<(Identifier, String)>, NameError> {
    let columns = <A::Entity as EntityTrait>::Column::iter();
    let set = columns.filter_map(|column| match model.get(column) {
        ActiveValue::Set(value) | ActiveValue::Unchanged(value) => {
            let select = Query::select()
                .expr(column.save_as(Expr::val(value)))
                .to_string(PostgresQueryBuilder);
            let sql = select.strip_prefix("SELECT ").unwrap_or(&select).to_owned();
            Some(Identifier::new(IdenStatic::as_str(&column)).map(|name| (name, sql)))
        }
        ActiveValue::NotSet => None,
    });

    set.collect()
}
