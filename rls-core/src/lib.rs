//! PostgreSQL row-level security for SeaORM 2: policies as data, and the connection that carries a
//! user.
#![forbid(unsafe_code)]

// The rooms, bottom up: a module imports only what stands above it in this list.

// Names of tables, columns, roles and settings, checked once. Imports nothing of this crate.
mod name;
// SQLSTATEs, and what they mean here. Imports nothing of this crate.
mod sqlstate;
// Colours and safe text for terminals. Imports nothing of this crate.
mod terminal;
// `RlsConfig`: the switches and the two logins. Imports `name`.
mod config;
// Row-level security as plain data: policies, scopes, settings, contexts. Imports the rooms above.
pub mod model;
// SQL text: quoting, and the SQL of policies. Imports `name` and `model`.
mod sql;
// From SeaORM's entities to scopes. Imports the rooms above.
pub mod entity;
// What the server can answer, as errors. Imports the rooms above.
pub mod error;
// One statement, one transaction, in a context. Knows nothing of the rooms below.
mod request;
// The catalog, the plan and how it is applied. Knows nothing of contexts.
pub mod schema;
// The check before anything runs: does the database keep users apart? Meets `request` and `schema`.
mod gate;
// `RlsConnection`: the pools of an application. Opens through `gate`.
mod connection;
// The doctor: what in a database weakens or slows row-level security.
#[cfg(feature = "doctor")]
pub mod doctor;
// The isolation proof, for tests.
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

#[doc(hidden)]
pub use terminal::shown;

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
