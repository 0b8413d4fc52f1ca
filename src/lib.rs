//! PostgreSQL row-level security for SeaORM 2.
//!
//! A derive on an entity declares who owns its rows, migrations create the policies, and a
//! connection carries the user. PostgreSQL itself then keeps the rows of users apart, in every
//! query, raw SQL included.
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
//! let db = RlsConnection::connect(url, RlsConfig::from_env()?).await?; // an error if isolation would not hold
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
//! - Declare who owns which rows: [entities and their keys](manual::entities), your own
//!   [policies](manual::policies).
//! - Bring it to a database: [migrations](manual::migrations), in a team and in CI.
//! - Run: [contexts](manual::contexts), [services](manual::services), [background
//!   work](manual::background), [administrators](manual::administrators),
//!   [pooling](manual::pooling), [clouds](manual::clouds), [Citus](manual::citus),
//!   [backups](manual::backups).
//! - Be sure: [testing](manual::testing), [checking](manual::checking), [what it protects against,
//!   and what it does not](manual::limits).
//! - In trouble: [why](manual::why) a row is hidden; [troubleshooting](manual::troubleshooting), by symptom; [ten
//!   words](manual::glossary).
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `migration` | [`migration`], [`doctor`] and [`why`]; on by default, not needed in entity crates and services |
//! | `axum` | [`axum`]: extractors for [web services](manual::services) on axum 0.8 |
//! | `testing` | [`testing`]: [a database for each test](manual::testing), and the proof that users are kept apart, for `dev-dependencies`; turns on `migration` |
//! | `rbac` | [`context::Restricted`]: SeaORM's role-based access control in front of a scope |
//! | `with-chrono`, `with-time` | dates and times as values of a context |
//!
//! # Modules
//!
//! | module | contains |
//! |---|---|
//! | [`context`] | contexts, the values of their settings, and the connections that carry them |
//! | [`policy`] | the builder of your own policies |
//! | [`entity`] | what the derives implement, and the registry |
//! | [`model`](mod@model) | row-level security as plain data |
//! | [`schema`] | the plan of changes, and how it is applied |
//! | [`subject`] | one user or tenant, whole: export and erasure |
//! | [`error`] | all errors |
#![forbid(unsafe_code)]
// Without all features, links in the tables above lead nowhere.
#![cfg_attr(
    not(all(
        feature = "migration",
        feature = "axum",
        feature = "testing",
        feature = "rbac"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "axum")]
pub mod axum;
pub mod manual;

pub use rls_core::model::policy;
pub use rls_core::{
    AdminConnection, AdminContext, AdminTransaction, Registry, RlsConfig, RlsConnection, RlsError,
    RlsSchema, ScopedConnection, ScopedTransaction, UserContext, registry,
};
#[cfg(feature = "migration")]
pub use rls_core::{doctor, why};
pub use rls_core::{entity, error, schema, subject};

/// Contexts: the user on whose behalf statements run, the values of settings, and the connections
/// that carry them.
pub mod context {
    #[cfg(feature = "rbac")]
    pub use rls_core::Restricted;
    #[doc(inline)]
    pub use rls_core::model::context::*;
    pub use rls_core::{
        App, AppReads, ContextConnection, ContextTransaction, InContext, Maintenance,
        MaintenanceReads, Otherwise, OwnRows, PasswordRequest, ReadFrom, ReadOnlyAdminConnection,
        ReadOnlyAdminTransaction, ReadOnlyScopedConnection, ReadOnlyScopedTransaction, Role,
        RowStream,
    };
}

/// Signed contexts, which injected SQL cannot change.
pub mod signing {
    pub use rls_core::{KeyState, SignedContexts, SigningKey, SigningKeyError, SigningKeys};
}

/// Row-level security as plain data: names, keys, scopes, privileges and expressions.
pub mod model {
    #[doc(inline)]
    pub use rls_core::model::*;
}

// A derive and its trait share a name, as in serde.
pub use rls_core::entity::{RlsPolicies, TenantScoped, Unscoped, UserScoped};
pub use rls_core::model::context::RlsContext;
pub use rls_derive::{RlsContext, RlsPolicies, TenantScoped, Unscoped, UserScoped, model};

#[cfg(feature = "migration")]
pub use rls_migration as migration;

#[cfg(feature = "testing")]
pub mod testing;
#[cfg(all(feature = "testing", unix))]
pub use rls_derive::test;

#[doc(hidden)]
pub use rls_core::__private;
