//! PostgreSQL row-level security for SeaORM 2: policies as data, and the connection that carries a
//! user.
#![forbid(unsafe_code)]

mod assert;
mod audit;
mod begin;
mod catalog;
mod config;
mod connection;
pub mod context;
mod diff;
pub mod entity;
pub mod error;
mod expression;
mod fingerprint;
mod gate;
mod lease;
pub mod lint;
mod login;
mod name;
mod observe;
mod operation;
mod plan;
pub mod policy;
mod pool;
mod privilege;
mod question;
pub mod read;
mod registry;
mod resting;
#[cfg(feature = "rbac")]
mod restricted;
mod rls;
mod scope;
mod scoped;
mod scram;
mod setting;
mod sql;
mod statement;
mod stream;
mod table;
mod terminal;
#[cfg(feature = "testing")]
pub mod testing;
mod transaction;

pub use config::RlsConfig;
pub use connection::RlsConnection;
pub use context::{AdminContext, RlsContext, Settings, UserContext};
pub use entity::{
    Declaration, OwnerColumn, OwnerKey, RlsPolicies, TenantColumn, TenantScoped, Unscoped,
    UserScoped,
};
pub use error::{
    ConfigError, ContextError, DeclarationError, GateError, GateFinding, NameError, PolicyError,
    RlsError, SchemaError,
};
pub use login::{App, Login, Maintenance, MaintenanceReads};
pub use name::{Identifier, SettingName, TableName};
pub use plan::{Change, Kept, Plan, PlanText, Verifier};
pub use policy::{Command, Expression, Policy, PolicyDraft, PolicyKind};
pub use privilege::Privilege;
pub use registry::{Registered, Registry};
#[cfg(feature = "rbac")]
pub use restricted::Restricted;
pub use rls::{Frozen, MissingTables, Rls, apply_changes, apply_statements, ensure_roles};
pub use scope::{ForeignKey, Holder, Key, KeyType, OnDelete, Owned, Scope, ScopeKind, Through};
pub use scoped::{
    AdminConnection, AdminTransaction, ReadOnlyAdminConnection, ReadOnlyAdminTransaction, Scoped,
    ScopedConnection, ScopedTransaction,
};
pub use setting::{SettingElement, SettingType, SettingValue};
pub use stream::RowStream;
pub use transaction::Transaction;

// A derive and its trait share a name, as in serde.
pub use rls_derive::{
    RlsContextCore as RlsContext, RlsPoliciesCore as RlsPolicies, TenantScopedCore as TenantScoped,
    UnscopedCore as Unscoped, UserScopedCore as UserScoped, model_core as model,
};

/// What the derives' expansions call; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use inventory;
    pub use sea_orm::{EntityTrait, ModelTrait, PrimaryKeyTrait};
    pub use uuid::Uuid;

    pub use crate::assert::*;
    pub use crate::entity::{OwnerColumn, TenantColumn};
}
