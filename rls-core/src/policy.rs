//! Policies as data, and the policies a scope asks for.

use std::collections::BTreeSet;

use crate::config::RlsConfig;
use crate::name::{Identifier, SettingName};
use crate::scope::{KeyType, Scope};

/// How a policy joins with others: permissive ones with OR, restrictive ones with AND.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// A row passes where any permissive policy lets it.
    Permissive,
    /// A row passes only where every restrictive policy lets it.
    Restrictive,
}

/// The commands a policy holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// All of them.
    All,
    /// `SELECT`, and the rows other commands read.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
}

/// A policy on one table. `E` is how its expressions are known: as asked, or as the server prints them; the two are
/// different types, so that they cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy<E> {
    /// Its name, unique on the table.
    pub name: Identifier,
    /// Permissive or restrictive.
    pub kind: PolicyKind,
    /// The commands it holds for.
    pub command: Command,
    /// The roles it holds for; empty is `PUBLIC`.
    pub roles: BTreeSet<Identifier>,
    /// Which existing rows it lets through.
    pub using: Option<E>,
    /// Which new rows it lets through.
    pub with_check: Option<E>,
}

/// An expression as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `true`.
    True,
    /// The column is the current user's key.
    IsCurrent {
        /// The column.
        column: Identifier,
        /// The setting that carries the user.
        setting: SettingName,
        /// The type of the key.
        key: KeyType,
    },
    /// The current user's key itself, `NULL` where there is none.
    Current {
        /// The setting that carries the user.
        setting: SettingName,
        /// The type of the key.
        key: KeyType,
    },
}

/// The policies of a scope, in the order in which they are created: for the application's role one a command and a
/// restrictive guard, so that a stray permissive policy opens nothing; for the administrator one that lets all pass.
#[must_use]
pub fn of(scope: &Scope, config: &RlsConfig) -> Vec<Policy<Expression>> {
    let own =
        || Some(Expression::IsCurrent { column: scope.owner.clone(), setting: scope.setting.clone(), key: scope.key });
    let all = || Some(Expression::True);
    let policy = |suffix, kind, command, role: &Identifier, using, with_check| Policy {
        name: Identifier::joined(&scope.table.table, suffix),
        kind,
        command,
        roles: BTreeSet::from([role.clone()]),
        using,
        with_check,
    };
    let (app, admin) = (config.app_role(), config.admin_role());
    let (permissive, restrictive) = (PolicyKind::Permissive, PolicyKind::Restrictive);
    vec![
        policy("owner_select", permissive, Command::Select, app, own(), None),
        policy("owner_insert", permissive, Command::Insert, app, None, own()),
        policy("owner_update", permissive, Command::Update, app, own(), own()),
        policy("owner_delete", permissive, Command::Delete, app, own(), None),
        policy("guard", restrictive, Command::All, app, own(), own()),
        policy("admin", permissive, Command::All, admin, all(), all()),
    ]
}
