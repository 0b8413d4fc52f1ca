//! Migrations that end with every registered table protected.
//!
//! [`RlsMigrator`] wraps a SeaORM migrator; `sea-orm-cli migrate …` and SeaORM's own subcommands work on it
//! unchanged, and after `up`, `fresh` and `refresh` the registered tables have their owner columns, policies and
//! grants. [`RlsSchemaManagerExt`] has the verbs for migrations written by hand, and [`cli`] the subcommand `rls`.
#![forbid(unsafe_code)]

pub mod cli;
mod generate;
mod import;
mod migrator;
mod verb;

pub use migrator::RlsMigrator;
pub use verb::{IntoPolicies, RlsSchemaManager, RlsSchemaManagerExt};
