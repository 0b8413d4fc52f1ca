//! PostgreSQL row-level security for SeaORM 2: policies as data, and the connection that carries a
//! user.
#![forbid(unsafe_code)]

// Bottom up: each room imports only rooms above it in this list (`tests/tree.rs` holds it to that).
mod config;
mod connection;
#[cfg(feature = "doctor")]
pub mod doctor;
pub mod entity;
pub mod error;
mod gate;
pub mod model;
mod name;
mod request;
pub mod schema;
mod sql;
mod sqlstate;
mod terminal;
#[cfg(feature = "testing")]
pub mod testing;

pub use config::{ConfigError, RlsConfig};
pub use connection::RlsConnection;
pub use entity::{
    Declaration, DeclarationError, OwnerColumn, OwnerKey, Registered, Registry, RlsPolicies,
    TenantColumn, TenantScoped, Unscoped, UserScoped,
};
pub use error::{GateError, GateFinding, RlsError, SchemaError};
pub use model::{
    AdminContext, Command, ContextError, Expression, ForeignKey, Holder, Key, KeyType, OnDelete,
    Owned, Policy, PolicyDraft, PolicyError, PolicyKind, Privilege, RlsContext, Scope, ScopeKind,
    SettingElement, SettingType, SettingValue, Settings, Through, UserContext,
};
pub use name::{Identifier, NameError, SettingName, TableName};
#[cfg(feature = "rbac")]
pub use request::restricted::Restricted;
pub use request::role::{App, Maintenance, MaintenanceReads, Role};
pub use request::scoped::{
    AdminConnection, AdminTransaction, ContextConnection, ReadOnlyAdminConnection,
    ReadOnlyAdminTransaction, ScopedConnection, ScopedTransaction,
};
pub use request::stream::RowStream;
pub use request::transaction::ContextTransaction;
pub use schema::{
    Change, MigrationScript, MissingTables, Plan, PlanText, RlsSchema, Unmanaged, Verifier,
    apply_changes, apply_statements, ensure_roles,
};

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

    pub use crate::entity::assert::*;
    pub use crate::entity::{
        Declaration, OwnerColumn, Registered, RlsPolicies, TenantColumn, TenantScoped, Unscoped,
        UserScoped,
    };
    pub use crate::model::{ContextError, OnDelete, Privilege, RlsContext, SettingValue, Settings};
}
