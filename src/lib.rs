//! PostgreSQL row-level security for SeaORM 2.
#![forbid(unsafe_code)]

#[cfg(feature = "axum")]
pub mod axum;
#[cfg(doctest)]
mod documented;

#[cfg(feature = "rbac")]
pub use rls_core::Restricted;
/// The doctor: what in a database weakens or slows row-level security, and what to do.
pub use rls_core::lint;
pub use rls_core::{
    AdminConnection, AdminContext, AdminTransaction, App, Change, Command, ConfigError, ContextError, Declaration,
    DeclarationError, Expression, ForeignKey, Frozen, GateError, GateFinding, Holder, Identifier, Kept, Key, KeyType,
    Login, Maintenance, MaintenanceReads, MissingTables, NameError, OnDelete, Owned, OwnerKey, Plan, PlanText, Policy,
    PolicyDraft, PolicyError, PolicyKind, Privilege, ReadOnlyAdminConnection, ReadOnlyAdminTransaction, Registered,
    Registry, Rls, RlsConfig, RlsConnection, RlsError, RowStream, SchemaError, Scope, ScopeKind, Scoped,
    ScopedConnection, ScopedTransaction, SettingElement, SettingName, SettingType, SettingValue, Settings, TableName,
    Through, Transaction, UserContext, Verifier, apply_changes, apply_statements, ensure_roles, policy, read, registry,
};
// A derive and its trait share a name, as in serde.
pub use rls_core::context::RlsContext;
pub use rls_core::entity::{OwnerColumn, RlsPolicies, TenantColumn, TenantScoped, Unscoped, UserScoped};
pub use rls_derive::{RlsContext, RlsPolicies, TenantScoped, Unscoped, UserScoped, model};

/// Migrations: `RlsMigrator` and the command line.
#[cfg(feature = "migration")]
pub use rls_migration as migration;

/// The proof that users are kept apart, for tests.
#[cfg(feature = "testing")]
pub use rls_core::testing;

#[doc(hidden)]
pub use rls_core::__private;
