//! PostgreSQL row-level security for SeaORM 2.
//!
//! Entities say by a derive whose their rows are, migrations make the policies, and a wrapped
//! connection carries the user: PostgreSQL itself keeps users' rows apart, in every query, raw SQL
//! included.
//!
//! ```no_run
//! mod user {
//! #   use sea_orm::entity::prelude::*;
//! #   use sea_orm_rls::UserScoped;
//!     #[sea_orm::model]
//!     #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
//!     #[sea_orm(table_name = "user")]
//!     #[user_scoped(identity)] // each row owns itself
//!     pub struct Model {
//!         #[sea_orm(primary_key, auto_increment = false)]
//!         pub id: Uuid,
//!     }
//! #   impl ActiveModelBehavior for ActiveModel {}
//! }
//!
//! mod task {
//! #   use sea_orm::entity::prelude::*;
//! #   use sea_orm_rls::UserScoped;
//!     #[sea_orm_rls::model] // adds `owner_id` and `owner`
//!     #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
//!     #[sea_orm(table_name = "task")]
//!     #[user_scoped(user = super::user::Entity)]
//!     pub struct Model {
//!         #[sea_orm(primary_key, auto_increment = false)]
//!         pub id: Uuid,
//!         pub title: String,
//!     }
//! #   impl ActiveModelBehavior for ActiveModel {}
//! }
//!
//! # use sea_orm::{ActiveModelTrait, EntityTrait, Set};
//! # use sea_orm_rls::{RlsConfig, RlsConnection, UserContext};
//! # async fn service(url: &str, user_id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
//! let db = RlsConnection::connect(url, RlsConfig::from_env()?).await?; // refuses to start where isolation would not hold
//! let mine = db.scope(UserContext::new(user_id)); // a SeaORM connection
//! let task = task::ActiveModel { id: Set(uuid::Uuid::new_v4()), title: Set("rest".into()), ..Default::default() };
//! task.insert(&mine).await?; // `owner_id` is filled by the database
//! let tasks = task::Entity::find().all(&mine).await?; // this user's rows only
//! # Ok(())
//! # }
//! # fn main() {}
//! ```
//!
//! # The manual
//!
//! - Begin: [first steps](manual::first_steps), [adopting](manual::adopting) in an existing
//!   project.
//! - Say whose rows are whose: [entities and their keys](manual::entities),
//!   [policies](manual::policies) of your own.
//! - Bring it to a database: [migrations](manual::migrations), in a team and in CI.
//! - Run: [contexts](manual::contexts), [services](manual::services), [background
//!   work](manual::background), [administrators](manual::administrators),
//!   [pooling](manual::pooling).
//! - Be sure: [testing](manual::testing), [checking](manual::checking), [what it does not protect
//!   from](manual::limits).
//! - When something is odd: [troubleshooting](manual::troubleshooting), by symptom.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `migration` | `RlsMigrator` and the command line; on by default, and needless in entity crates and services |
//! | `axum` | extractors for [web services](manual::services) on axum 0.8 |
//! | `testing` | the [proof](manual::testing) that users are kept apart; for `dev-dependencies` |
//! | `rbac` | SeaORM's role-based access control in front of a scope |
//! | `with-chrono`, `with-time` | dates and times as values of a context |
#![forbid(unsafe_code)]

#[cfg(feature = "axum")]
pub mod axum;
pub mod manual;

#[cfg(feature = "rbac")]
pub use rls_core::Restricted;
/// The doctor: what in a database weakens or slows row-level security, and how to repair it.
#[cfg(feature = "migration")]
pub use rls_core::doctor;
/// Every error of this crate, by what it is about.
pub use rls_core::error;
pub use rls_core::model::policy;
pub use rls_core::{
    AdminConnection, AdminContext, AdminTransaction, ReadOnlyAdminConnection,
    ReadOnlyAdminTransaction, Registry, RlsConfig, RlsConnection, RlsError, RlsSchema, RowStream,
    ScopedConnection, ScopedTransaction, UserContext, registry,
};
pub use rls_core::{entity, schema};

/// Contexts: what a connection says of its user, and the connections that carry it.
pub mod context {
    #[doc(inline)]
    pub use rls_core::model::context::*;
    pub use rls_core::{
        App, ContextConnection, ContextTransaction, Maintenance, MaintenanceReads, Role,
    };
}

/// Row-level security as plain data: names, keys, scopes, privileges, expressions.
pub mod model {
    #[doc(inline)]
    pub use rls_core::model::*;
}

// A derive and its trait share a name, as in serde.
pub use rls_core::entity::{RlsPolicies, TenantScoped, Unscoped, UserScoped};
pub use rls_core::model::context::RlsContext;
pub use rls_derive::{RlsContext, RlsPolicies, TenantScoped, Unscoped, UserScoped, model};

/// Migrations: `RlsMigrator` and the command line.
#[cfg(feature = "migration")]
pub use rls_migration as migration;

/// The proof that users are kept apart, for tests.
#[cfg(feature = "testing")]
pub use rls_core::testing;

#[doc(hidden)]
pub use rls_core::__private;
