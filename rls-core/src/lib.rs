//! PostgreSQL row-level security for SeaORM 2: policies as data, and the connection that carries a user.
#![forbid(unsafe_code)]

mod assert;
mod begin;
mod catalog;
mod config;
mod connection;
mod context;
mod diff;
pub mod entity;
pub mod error;
mod gate;
mod lease;
mod login;
mod name;
mod observe;
mod operation;
mod plan;
mod policy;
mod pool;
mod question;
mod registry;
mod rls;
mod scope;
mod scoped;
mod scram;
mod sql;
mod statement;
mod stream;
mod table;
mod transaction;

pub use config::RlsConfig;
pub use connection::RlsConnection;
pub use context::{AdminContext, RlsContext, SettingValue, Settings, UserContext};
pub use entity::{Declaration, OwnerKey, UserScoped};
pub use error::{
    ConfigError, ContextError, DeclarationError, GateError, GateFinding, NameError, RlsError, SchemaError,
};
pub use login::{App, Login, Maintenance};
pub use name::{Identifier, SettingName, TableName};
pub use plan::{Change, Plan, Verifier};
pub use policy::{Command, Expression, Policy, PolicyKind};
pub use registry::{Registered, Registry};
pub use rls::{MissingTables, Rls};
pub use scope::{ForeignKey, KeyType, OnDelete, Owned, Scope, ScopeKind};
pub use scoped::{AdminConnection, AdminTransaction, Scoped, ScopedConnection, ScopedTransaction};
pub use stream::RowStream;
pub use table::Privilege;
pub use transaction::Transaction;

pub use rls_derive::{UserScopedCore as UserScoped, model_core as model};

/// What the derives' expansions call; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use inventory;
    pub use sea_orm::{EntityTrait, ModelTrait, PrimaryKeyTrait};
    pub use uuid::Uuid;

    pub use crate::assert::*;
}
