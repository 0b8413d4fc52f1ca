//! Row-level security as plain data: keys, settings, policies, scopes and contexts. A scope says
//! whose the rows of a table are; [`Scope::desired_policies`] makes its policies.

// May import `name` and `config`. Knows nothing of entities (`entity`), of SQL text (`sql`) or of a
// server (`schema`).

pub mod context;
pub(crate) mod context_domain;
pub(crate) mod expression;
pub(crate) mod key;
pub mod policy;
pub(crate) mod privilege;
pub(crate) mod scope;
pub(crate) mod setting;
pub(crate) mod signed_context;
pub(crate) mod wal_position;

pub use crate::name::{Identifier, TableName};
pub use context::{AdminContext, ContextError, RlsContext, Settings, UserContext};
pub use expression::Expression;
pub use key::{Holder, KeyType, OnDelete};
pub use policy::{Grantee, Policy, PolicyDraft, PolicyError, PolicyKind, Rule, setting};
pub use privilege::{Columns, Command, Privilege};
pub use scope::{Bound, BoundBy, Distribution, ForeignKey, Key, Owned, Scope, ScopeKind, Through};
pub use setting::{SettingElement, SettingType, SettingValue};
pub use wal_position::{WalPosition, WalPositionError};
