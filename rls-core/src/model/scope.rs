//! How the rows of one table belong to users, as plain data.

mod policies;

pub(crate) use policies::{guards_of, of as policies_of};

use std::collections::{BTreeMap, BTreeSet};

use crate::model::expression::Expression;
use crate::model::key::{Holder, KeyType, OnDelete};
use crate::model::policy::PolicyDraft;
use crate::model::privilege::Privilege;
use crate::name::{Identifier, SettingName, TableName};

/// The scope of one table: whose its rows are, how the database knows, and what the application may
/// do with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The table.
    pub table: TableName,
    /// The columns that name the user and the tenant; a row is reached where all of them are the
    /// current ones.
    pub keys: Vec<Key>,
    /// The rows of other tables through which a row belongs to someone; all of them must.
    pub through: Vec<Through>,
    /// The boolean columns whose rows everyone may read: every user, of the same tenant where there
    /// is one; every tenant.
    pub shared: BTreeMap<Holder, Identifier>,
    /// The column that marks a row as deleted.
    pub soft_delete: Option<Identifier>,
    /// What the application's role is granted.
    pub privileges: BTreeSet<Privilege>,
    /// Policies of the entity's own.
    pub policies: Vec<PolicyDraft>,
    /// Why the table has no row security, where it is declared to have none.
    pub unscoped: Option<String>,
}

impl Scope {
    /// The condition under which a row is one's own; `None` where only policies of the entity's own
    /// say.
    #[must_use]
    pub fn ownership(&self) -> Option<Expression> {
        ownership(&self.keys, &self.through)
    }

    /// The condition under which a row may be read: of each holder, its own rows and those it
    /// shares.
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

    /// The column that names the user, where the table has one.
    #[must_use]
    pub fn owner(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.holder == Holder::User)
    }
}

/// The condition under which all keys are the current ones, and all references lead to one's own.
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
    /// Whom it names.
    pub holder: Holder,
    /// The column.
    pub column: Identifier,
    /// Its type.
    pub key: KeyType,
    /// The setting that carries the current one.
    pub setting: SettingName,
    /// Whether the rows are the users, or tenants, themselves, or belong to them.
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

    /// What the migration keeps beside the policies, where the rows belong to users or tenants.
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
    /// Whose the row is by it.
    pub holder: Holder,
    /// The column that refers.
    pub column: Identifier,
    /// The table it refers to.
    pub parent: TableName,
    /// The column it refers to.
    pub parent_column: Identifier,
    /// Whether no two rows there may have one value in that column, since the application may write
    /// there.
    pub unique: bool,
    /// When a row there is one's own.
    pub holds: Expression,
}

/// Whether a table's rows are users, or belong to users; tenants likewise.
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
    /// The action, where the entity names one; without, a new key cascades and an existing one is
    /// left as it is.
    pub on_delete: Option<OnDelete>,
}
