//! How the rows of a table belong to users and tenants, as plain data.

mod policies;

pub(crate) use policies::{guards_of, of as policies_of};

use std::collections::{BTreeMap, BTreeSet};

use crate::model::expression::Expression;
use crate::model::key::{Holder, KeyType, OnDelete};
use crate::model::policy::PolicyDraft;
use crate::model::privilege::{Columns, Privilege};
use crate::name::{Identifier, SettingName, TableName};

/// The scope of one table: whose its rows are, which columns say so, and what the application may
/// do with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The table.
    pub table: TableName,
    /// The columns that name the user and the tenant. A row is reached if all of them are the
    /// current ones.
    pub keys: Vec<Key>,
    /// The references to rows of other tables through which a row belongs to someone. A row is
    /// reached if all of those rows are.
    pub through: Vec<Through>,
    /// The references that lead only to rows of the same owner, or to rows that the writer reaches.
    pub bound: Vec<Bound>,
    /// The boolean columns that share a row: for a user, with all users of the same tenant; for a
    /// tenant, with all tenants.
    pub shared: BTreeMap<Holder, Identifier>,
    /// The column that marks a row as deleted.
    pub soft_delete: Option<Identifier>,
    /// The privileges of the application's role.
    pub privileges: BTreeSet<Privilege>,
    /// The privileges of the administrator's role.
    pub admin: BTreeSet<Privilege>,
    /// The columns to which privileges of the application's role are limited.
    pub columns: Columns,
    /// The columns to which privileges of the administrator's role are limited.
    pub admin_columns: Columns,
    /// The policies that the entity declares itself.
    pub policies: Vec<PolicyDraft>,
    /// The reason why the table has no row-level security, if it is declared so.
    pub unscoped: Option<String>,
    /// How Citus spreads the rows over its nodes, if the entity says that it does.
    pub distribution: Option<Distribution>,
}

/// How Citus spreads the rows of a table over its nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// By this column, which names the user or the tenant: rows of one are on one node.
    By(Identifier),
    /// Each node has all rows (a reference table).
    Everywhere,
}

impl Scope {
    /// The condition that a row is the current user's; `None` if only the entity's own policies say
    /// so.
    #[must_use]
    pub fn ownership(&self) -> Option<Expression> {
        ownership(&self.keys, &self.through)
    }

    /// The condition that a row may be read: for each holder, that it is the holder's or shared.
    pub(crate) fn visible(&self) -> Option<Expression> {
        if self.shared.is_empty() {
            return self.ownership();
        }

        let of = |holder: Holder| {
            let keys: Vec<Key> = self
                .keys
                .iter()
                .filter(|key| key.holder == holder)
                .cloned()
                .collect();

            let through: Vec<Through> = self
                .through
                .iter()
                .filter(|through| through.holder == holder)
                .cloned()
                .collect();

            let own = ownership(&keys, &through)?;
            let shared = self.shared.get(&holder).cloned().map(Expression::IsTrue);

            Some(Expression::any(std::iter::once(own).chain(shared)))
        };

        let parts: Vec<Expression> = [Holder::Tenant, Holder::User]
            .into_iter()
            .filter_map(of)
            .collect();

        (!parts.is_empty()).then(|| Expression::all(parts))
    }

    /// The column that names the user, if the table has one.
    #[must_use]
    pub fn owner(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.holder == Holder::User)
    }
}

/// The condition that all keys are the current ones, and all references lead to rows of the current
/// user.
pub(crate) fn ownership(keys: &[Key], through: &[Through]) -> Option<Expression> {
    let keys = keys.iter().map(Key::is_current);
    let through = through.iter().map(|through| Expression::Through {
        column: through.column.clone(),
        parent: through.parent.clone(),
        parent_column: through.parent_column.clone(),
        holds: Box::new(through.holds.clone()),
    });

    let parts: Vec<Expression> = keys.chain(through).collect();
    (!parts.is_empty()).then(|| Expression::all(parts))
}

/// A column that names the user or the tenant of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whether it names a user or a tenant.
    pub holder: Holder,
    /// The column.
    pub column: Identifier,
    /// The type of the column.
    pub key: KeyType,
    /// The setting that carries the current user or tenant.
    pub setting: SettingName,
    /// Whether the rows are the users or tenants themselves, or belong to them.
    pub kind: ScopeKind,
}

impl Key {
    fn is_current(&self) -> Expression {
        Expression::IsCurrent {
            column: self.column.clone(),
            setting: self.setting.clone(),
            key: self.key,
        }
    }

    /// What the migration adds to the table besides policies; `None` if the rows are the users or
    /// tenants themselves.
    #[must_use]
    pub fn owned(&self) -> Option<&Owned> {
        match &self.kind {
            ScopeKind::Identity => None,
            ScopeKind::Owned(owned) => Some(owned),
        }
    }
}

/// A reference to a row of another table that belongs to someone.
#[derive(Clone, Debug, PartialEq)]
pub struct Through {
    /// Whether the row belongs to a user or to a tenant through it.
    pub holder: Holder,
    /// The referring column.
    pub column: Identifier,
    /// The table that it refers to.
    pub parent: TableName,
    /// The column that it refers to.
    pub parent_column: Identifier,
    /// Whether that column must be unique, since the application may write to that table.
    pub unique: bool,
    /// The condition that a row of that table is the current user's.
    pub holds: Expression,
}

/// A reference that may not leave its owner.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The referring column.
    pub column: Identifier,
    /// The table that it refers to.
    pub parent: TableName,
    /// The column that it refers to.
    pub parent_column: Identifier,
    /// What binds it.
    pub by: BoundBy,
}

impl Bound {
    /// The condition on a row that is written; `None` if a foreign key binds it.
    pub(crate) fn condition(&self) -> Option<Expression> {
        let BoundBy::Policy(holds) = &self.by else {
            return None;
        };

        let leads = Expression::Through {
            column: self.column.clone(),
            parent: self.parent.clone(),
            parent_column: self.parent_column.clone(),
            holds: Box::new(holds.clone()),
        };
        let nowhere = Expression::IsNull(self.column.clone());

        Some(Expression::any([nowhere, leads]))
    }

    /// The columns of the foreign key that binds it, each with the one that it refers to: the owners
    /// first. Nothing if a policy binds it.
    #[must_use]
    pub fn key(&self) -> Vec<(Identifier, Identifier)> {
        let BoundBy::Key(owners) = &self.by else {
            return Vec::new();
        };

        let reference = (self.column.clone(), self.parent_column.clone());
        owners.iter().cloned().chain([reference]).collect()
    }
}

/// What binds a reference.
#[derive(Clone, Debug, PartialEq)]
pub enum BoundBy {
    /// A foreign key that these columns are in too, each with the one that it refers to: those of
    /// the tenant and the user.
    Key(Vec<(Identifier, Identifier)>),
    /// Restrictive policies: whoever writes the row reads the row that it refers to, and this
    /// condition holds on that row.
    Policy(Expression),
}

/// Whether the rows of a table are users or tenants, or belong to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// The rows are the users or tenants: each owns itself, by its primary key.
    Identity,
    /// The rows belong to users or tenants.
    Owned(Owned),
}

/// What the migration adds to a table besides policies, if its rows belong to users or tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The foreign key from the owner column to the users or tenants.
    pub foreign_key: Option<ForeignKey>,
    /// The columns of the index; the owner is the first.
    pub index: Vec<Identifier>,
    /// Whether the default of the owner column is the current user.
    pub default: bool,
    /// The SQL expression that gives existing rows their owner, if the entity names one.
    pub backfill: Option<String>,
}

/// A foreign key from an owner column to the primary key of the users or tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The table of the users or tenants.
    pub table: TableName,
    /// The column of its primary key.
    pub column: Identifier,
    /// The action, if the entity names one. Without, a new key cascades and an existing one is left
    /// as it is.
    pub on_delete: Option<OnDelete>,
}
