//! PostgreSQL row-level security for SeaORM 2: policies as data, and the connection that carries a
//! user. Applications use it through `sea-orm-rls`.
#![forbid(unsafe_code)]

// The rooms, from the ground up. A module imports only modules that stand before it in this list,
// and siblings never import each other in a circle (`tests/house/tree.rs` checks both).
//
// - A request begins at `RlsConnection::scope` (`connection`). `request` runs it, and ends it with
//   a commit or a rollback.
// - The policies of a table are chosen in `model::scope`, become SQL in `sql::policy`, and are
//   compared and applied in `schema`.
// - The checks are three: `gate` at every start, `doctor` on demand, `testing` for a proof.
// - A login is a role with a password (`config`); `connection::open` makes its pool, and
//   `request::role` tells the logins apart by type.

// `Debug` of errors, which says what `Display` says. Imports no other room.
mod debug;
// Names of tables, columns, roles and settings, checked once. Imports no other room.
mod name;
// SQLSTATEs, and what this crate makes of them. Imports no other room.
mod sqlstate;
// Colours and safe text for terminals. Imports no other room.
mod terminal;
// `RlsConfig`: the switches and the two logins. Imports `name`.
mod config;
// Row-level security as plain data: policies, scopes, settings, contexts. Knows no SQL.
pub mod model;
// SQL text: quoting, and the SQL of expressions and policies. Knows no entity.
mod sql;
// From SeaORM's entities to scopes: declarations and the registry. Knows no server.
pub mod entity;
// The errors of everything that asks the server.
pub mod error;
// One statement, one transaction, in a context. Knows nothing of `schema`.
mod request;
// The catalog, the plan of changes, and how it is applied. Knows nothing of `request`.
pub mod schema;
// The check before anything runs: would the database keep users apart? Knows nothing of `request`.
mod gate;
// `RlsConnection`: the pools of an application. Asks `gate`, then hands pools to `request`.
mod connection;
// One user or tenant, whole: export and erasure. Asks `connection` for the administrator's.
pub mod subject;
// The doctor: what in a database weakens or slows row-level security. Reads, never writes.
#[cfg(feature = "doctor")]
pub mod doctor;
// Why a row is hidden or a statement refused. Reads as an administrator, and is recorded.
#[cfg(feature = "doctor")]
pub mod why;
// The isolation proof, for tests.
#[cfg(feature = "testing")]
pub mod testing;

pub use config::{
    ConfigError, PasswordRequest, RlsConfig, SignedContexts, SigningKey, SigningKeyError,
    SigningKeys,
};
pub use connection::{Otherwise, ReadFrom, RlsConnection};
pub use entity::{
    Declaration, DeclarationError, OwnerColumn, OwnerKey, Place, Registered, Registry, RlsPolicies,
    TenantColumn, TenantScoped, Unscoped, UserScoped,
};
pub use error::{GateError, GateFinding, RlsError, SchemaError};
pub use model::{
    AdminContext, Bound, BoundBy, Command, ContextError, Distribution, Expression, ForeignKey,
    Holder, Key, KeyType, OnDelete, Owned, Policy, PolicyDraft, PolicyError, PolicyKind, Privilege,
    RlsContext, Scope, ScopeKind, SettingElement, SettingType, SettingValue, Settings, Through,
    UserContext,
};
pub use name::{Identifier, NameError, SettingName, TableName};
pub use request::own::{InContext, OwnRows};
#[cfg(feature = "rbac")]
pub use request::restricted::Restricted;
pub use request::role::{App, AppReads, Maintenance, MaintenanceReads, Role};
pub use request::scoped::{
    AdminConnection, AdminTransaction, ContextConnection, ReadOnlyAdminConnection,
    ReadOnlyAdminTransaction, ReadOnlyScopedConnection, ReadOnlyScopedTransaction,
    ScopedConnection, ScopedTransaction,
};
pub use request::stream::RowStream;
pub use request::transaction::ContextTransaction;
pub use schema::{
    Change, KeyState, MigrationScript, MissingTables, Plan, PlanText, RlsSchema, Unmanaged,
    Verifier, apply_changes, apply_statements, ensure_roles,
};

// A derive and its trait share a name, as in serde.
pub use rls_derive::{RlsContext, RlsPolicies, TenantScoped, Unscoped, UserScoped, model};

#[doc(hidden)]
pub use terminal::shown;

/// What the derives' expansions name; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use inventory;
    pub use sea_orm::ModelTrait;
    pub use uuid::Uuid;

    pub use crate::entity::assert::*;
    pub use crate::entity::derived::*;
    pub use crate::entity::{Declaration, Registered};
    pub use crate::model::{ContextError, OnDelete, Privilege, RlsContext, SettingValue, Settings};
}
