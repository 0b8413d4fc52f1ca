//! Migrations that end with every registered table protected.
//!
//! [`RlsMigrator`] wraps a SeaORM migrator; `sea-orm-cli migrate …` and SeaORM's own subcommands work on it
//! unchanged, and after `up`, `fresh` and `refresh` the registered tables have their owner columns, policies and
//! grants.
#![forbid(unsafe_code)]

mod migrator;

/// SeaORM's command line for migrations, which takes an [`RlsMigrator`] as it takes any migrator.
pub use sea_orm_migration::cli;

pub use migrator::RlsMigrator;
