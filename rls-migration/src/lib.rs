//! Migrations that end with every registered table protected.
//!
//! [`RlsMigrator`] wraps a SeaORM migrator; `sea-orm-cli migrate …` and SeaORM's own subcommands
//! work on it unchanged, and after `up`, `fresh` and `refresh` the registered tables have their
//! owner columns, policies and grants. [`RlsSchemaManagerExt`] has the verbs for hand-written
//! migrations, [`MaintenanceExt`] the one for their data, and [`cli`] the subcommand `rls`.
#![forbid(unsafe_code)]

pub mod cli;
mod error;
mod file;
mod fresh;
mod generate;
mod guard;
mod import;
mod literal;
mod maintenance;
mod migrator;
mod report;
mod verb;

pub use maintenance::MaintenanceExt;
pub use migrator::RlsMigrator;
pub use verb::{IntoPolicies, RlsSchemaManager, RlsSchemaManagerExt};
