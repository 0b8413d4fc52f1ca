//! The command line of a migration crate: SeaORM's own subcommands, and `rls` beside them.
//!
//! | command | does | exit code |
//! |---|---|---|
//! | `rls plan [--format text\|sql\|json]` | shows what would change | 0: nothing; 2: changes; 1: an error |
//! | `rls apply [--accept-weakening]` | changes it | 0; 1: an error, and nothing was changed |
//! | `rls status` | one line a table | 0; 1 |
//! | `rls doctor [--format text\|json\|sarif] [--fail-on SEVERITY]` | says what weakens row security, and what to do | 0: nothing; 1: findings; 2: could not examine |
//! | `rls doctor --allow RULE[=OBJECT] --reason TEXT` | keeps in `rls.suppressions` that a finding is meant so | as above |
//! | `rls doctor --explain RULE` | prints the page of a rule | 0; 2: no such rule |
//! | `rls generate NAME [-d DIR]` | writes a migration that changes it, and back | 0; 1 |
//! | `rls report [-o FILE]` | writes a page about it all, as HTML | 0; 1 |
//! | `rls import [--schema S]… [--output FILE]` | prints hand-written policies as Rust | 0; 1 |
//!
//! Files are in the current directory where no other is said. `-u`, `-s`, `-v`, `DATABASE_URL`,
//! `DATABASE_SCHEMA` and `.env` are as in SeaORM's subcommands. Colours are for a terminal alone,
//! and not where `NO_COLOR` is set.

mod arguments;
mod command;
mod connect;
mod doctor;
mod output;
mod progress;
mod report;
mod status;
mod suppressions;

use std::process::exit;

use sea_orm_migration::MigratorTraitSelf;

use crate::RlsMigrator;
use arguments::Parsed;

/// Runs the command line of a migration crate; what is not `rls` is SeaORM's
/// ([`sea_orm_migration::cli::run_cli`]), which takes this migrator as any other.
///
/// Exits with a code that is not 0 on an error, which is printed, and where `rls plan` finds
/// changes.
///
/// ```no_run
/// # use rls_migration::{RlsMigrator, cli};
/// # use sea_orm_migration::prelude::*;
/// # struct Migrator;
/// # impl MigratorTrait for Migrator {
/// #     fn migrations() -> Vec<Box<dyn MigrationTrait>> { Vec::new() }
/// # }
/// # async fn main_() {
/// cli::run_cli(RlsMigrator::new(Migrator)).await;
/// # }
/// ```
pub async fn run_cli<M: MigratorTraitSelf>(migrator: RlsMigrator<M>) {
    dotenvy::dotenv().ok();
    match arguments::parsed() {
        Parsed::SeaOrm => sea_orm_migration::cli::run_cli(migrator).await,
        Parsed::Rls(arguments) => match command::run(&migrator, &arguments).await {
            Ok(0) => {}
            Ok(code) => exit(code),
            Err(error) => {
                eprintln!("error: {error}");
                exit(arguments.command.failed());
            }
        },
    }
}
