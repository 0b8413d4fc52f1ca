//! Which rows of a table are the subject's, as plain data and SQL.

use crate::model::context::Settings;
use crate::model::key::Holder;
use crate::model::scope::{Key, Scope, Through};
use crate::name::TableName;
use crate::sql;

/// Which rows of a table are the subject's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Belongs {
    /// Those for which the condition holds.
    Rows(Condition),
    /// None, for this reason.
    None(String),
}

/// A condition on the rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    All(Vec<Self>),
    /// The column has this value.
    Is(String, String),
    /// The column is that of a row for which the condition holds.
    In {
        column: String,
        parent: String,
        parent_column: String,
        holds: Box<Self>,
    },
}

impl Condition {
    /// The SQL, for a row of this alias.
    pub(super) fn sql(&self, alias: &str) -> String {
        match self {
            Self::All(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| part.sql(alias)).collect();
                parts.join(" AND ")
            }
            Self::Is(column, value) => format!("{alias}.{column} OPERATOR(pg_catalog.=) {value}"),
            Self::In {
                column,
                parent,
                parent_column,
                holds,
            } => {
                // As in policies: the array is made once, and an index on the column is used.
                let inner = format!("{alias}p");
                format!(
                    "{alias}.{column} OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT {inner}.{parent_column} \
                     FROM {parent} AS {inner} WHERE {}))",
                    holds.sql(&inner)
                )
            }
        }
    }
}

/// Who is exported or erased.
pub(super) struct Who<'a> {
    scopes: &'a [Scope],
    context: &'a Settings,
    holder: Holder,
    /// Whether a column of a table names at most one row.
    is_unique: &'a dyn Fn(&TableName, &crate::name::Identifier) -> bool,
}

impl<'a> Who<'a> {
    /// The user of the context, or else its tenant; `None` if it names neither.
    pub(super) fn of(
        scopes: &'a [Scope],
        context: &'a Settings,
        is_unique: &'a dyn Fn(&TableName, &crate::name::Identifier) -> bool,
    ) -> Option<Self> {
        let of = |holder: Holder| Self {
            scopes,
            context,
            holder,
            is_unique,
        };
        let mut each = [Holder::User, Holder::Tenant].into_iter().map(of);
        each.find(|who| who.names(who.holder))
    }

    /// Which rows of a table are the subject's, or why that is not decided.
    pub(super) fn rows_of(&self, scope: &Scope) -> Result<Belongs, String> {
        let rows = self.rows_within(scope, 0)?;
        match rows {
            Belongs::Rows(theirs) if self.holder == Holder::User && self.names(Holder::Tenant) => {
                let parts = vec![theirs, self.in_tenant(scope)?];
                Ok(Belongs::Rows(Condition::All(parts)))
            }
            rows => Ok(rows),
        }
    }

    fn rows_within(&self, scope: &Scope, depth: usize) -> Result<Belongs, String> {
        if let Some(reason) = &scope.unscoped {
            return Err(format!("it has no row-level security ({reason})"));
        }
        if scope.keys.is_empty() && scope.through.is_empty() {
            return Err("only its own policies say whose its rows are".to_owned());
        }

        let is_theirs = |holder: Holder| holder == self.holder;
        let keys = scope.keys.iter().filter(|key| is_theirs(key.holder));
        let through: Vec<&Through> = scope
            .through
            .iter()
            .filter(|through| is_theirs(through.holder))
            .collect();

        let mut parts = Vec::new();
        for key in keys {
            let Some(value) = value(self.context, key) else {
                let setting = &key.setting;
                return Err(format!(
                    "the context does not set `{setting}`, which it is compared with"
                ));
            };
            parts.push(Condition::Is(sql::identifier(&key.column), value));
        }
        for through in through {
            match self.through(through, depth)? {
                Belongs::Rows(part) => parts.push(part),
                none @ Belongs::None(_) => return Ok(none),
            }
        }

        match (parts.is_empty(), self.holder) {
            (true, Holder::User) => {
                return Ok(Belongs::None("its rows belong to a tenant".to_owned()));
            }
            (true, Holder::Tenant) => {
                return Err("its rows belong to users, whatever their tenant".to_owned());
            }
            (false, _) => {}
        }

        Ok(Belongs::Rows(Condition::All(parts)))
    }

    /// The condition that a user's row is in the tenant that the context names too.
    fn in_tenant(&self, scope: &Scope) -> Result<Condition, String> {
        let is_of_tenants = scope.keys.iter().any(|key| key.holder == Holder::Tenant)
            || scope
                .through
                .iter()
                .any(|through| through.holder == Holder::Tenant);
        if is_of_tenants {
            let tenant = Self {
                holder: Holder::Tenant,
                ..*self
            };
            return match tenant.rows_within(scope, 0)? {
                Belongs::Rows(condition) => Ok(condition),
                Belongs::None(reason) => Err(reason),
            };
        }

        // Its tenant is that of a row that it belongs to. No table belongs to itself by now.
        let of_parent = scope.through.iter().find_map(|through| {
            let mut scopes = self.scopes.iter();
            let parent = scopes.find(|scope| scope.table == through.parent)?;
            let holds = self.in_tenant(parent).ok()?;
            Some(referring(through, holds))
        });
        of_parent.ok_or_else(|| {
            "its rows are the user's in every tenant, and the context names one".to_owned()
        })
    }

    /// Whether the context names a user or tenant.
    fn names(&self, holder: Holder) -> bool {
        let mut keys = self.scopes.iter().flat_map(|scope| &scope.keys);
        keys.any(|key| key.holder == holder && value(self.context, key).is_some())
    }

    fn through(&self, through: &Through, depth: usize) -> Result<Belongs, String> {
        let parent = &through.parent;
        let Some(scope) = self.scopes.iter().find(|scope| scope.table == *parent) else {
            return Err(format!(
                "`{parent}`, to which it belongs, is not registered"
            ));
        };
        if depth > self.scopes.len() {
            return Err(format!("it belongs to `{parent}`, which belongs to it"));
        }
        if !(self.is_unique)(parent, &through.parent_column) {
            let reason = format!("its rows belong to everyone with a row in `{parent}`");
            return Ok(Belongs::None(reason));
        }

        let within = self.rows_within(scope, depth + 1);
        let rows = within.map_err(|reason| format!("it belongs to `{parent}`: {reason}"))?;
        Ok(match rows {
            Belongs::Rows(holds) => Belongs::Rows(referring(through, holds)),
            none @ Belongs::None(_) => none,
        })
    }
}

/// The condition that a row refers to one for which the condition holds.
fn referring(through: &Through, holds: Condition) -> Condition {
    Condition::In {
        column: sql::identifier(&through.column),
        parent: sql::table(&through.parent),
        parent_column: sql::identifier(&through.parent_column),
        holds: Box::new(holds),
    }
}

/// The value that the context has for a key, as SQL; an empty one names nobody.
fn value(context: &Settings, key: &Key) -> Option<String> {
    context
        .get(&key.setting)
        .filter(|value| !value.is_empty())
        .and_then(sql::literal)
}
