//! Migrations that end with every registered table protected.
//!
//! [`RlsMigrator`] wraps a SeaORM migrator; `sea-orm-cli migrate …` and SeaORM's own subcommands work on it
//! unchanged, and after `up`, `fresh` and `refresh` the registered tables have their owner columns, policies and
//! grants. [`RlsSchemaManagerExt`] has the verbs for migrations written by hand.
#![forbid(unsafe_code)]

mod migrator;
mod verb;

/// SeaORM's command line for migrations, which takes an [`RlsMigrator`] as it takes any migrator.
pub use sea_orm_migration::cli;

pub use migrator::RlsMigrator;
pub use verb::{IntoPolicies, RlsSchemaManager, RlsSchemaManagerExt};
