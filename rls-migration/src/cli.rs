//! The command line of a migration crate: SeaORM's own subcommands, and `rls` beside them.
//!
//! | command | does | exit code |
//! |---|---|---|
//! | `rls plan [--format text\|sql\|json]` | shows what would change | 0: nothing; 2: changes; 3: migrations are pending; 1: an error |
//! | `rls apply [--accept-weakening] [--accept-breaking] [--online]` | makes these changes, all or none; with `--online`, steps before a failure stay | 0; 1: an error |
//! | `rls status` | shows a line for each table | 0; 1 |
//! | `rls doctor [--format text\|json\|sarif] [--fail-on SEVERITY]` | says what weakens row security, and what to do | 0: nothing; 1: findings; 2: could not examine |
//! | `rls doctor --allow RULE[=OBJECT] --reason TEXT` | adds a suppression to `rls.suppressions`, with its reason | as above |
//! | `rls doctor --explain RULE` | prints the page of a rule | 0; 2: there is no such rule |
//! | `rls why TABLE KEY [--as PART=VALUE]… [--command C] [--format text\|json]` | says why a row is shown, hidden or refused in a context | 0: each command passes; 2: one does not; 1: an error |
//! | `rls why TABLE --values JSON [--as PART=VALUE]…` | the same of a new row, which is not inserted | as above |
//! | `rls who TABLE KEY [--format text\|json]` | lists which users and tenants reach a row | 0; 1 |
//! | `rls psql [--as PART=VALUE]… [-- ARGUMENTS]` | opens a session of `psql` as the application's login under a context | that of `psql`; 1: it cannot be started |
//! | `rls generate NAME [-d DIR]` | writes a migration that makes these changes, and undoes them | 0; 1 |
//! | `rls report [-o FILE]` | writes an HTML page about tables, policies, roles and findings | 0; 1 |
//! | `rls harden` | prints statements that take needless rights from the application's role, by who can run them, and the level reached | 0; 1 |
//! | `rls keys list`, `rotate [--overlap SECONDS]`, `revoke ID` | lists, replaces or ends the keys that sign contexts; `rotate` prints the new one | 0; 1 |
//! | `rls export --as user=ID --actor NAME --reason TEXT [-o FILE]` | writes every row of a user or tenant as lines of JSON | 0; 1 |
//! | `rls erase --as user=ID --actor NAME --reason TEXT [--yes] [--batch N]` | counts these rows; with `--yes`, deletes them | 0; 1 |
//! | `rls import [--schema S]… [--output FILE]` | prints hand-written policies as Rust | 0; 1 |
//!
//! `rls why`, `who` and `psql` ask as the administrator: they need the passwords of both roles, a
//! `--reason`, and an `--actor` unless `USER` is set, which the record holds.
//!
//! Files are in the current directory unless a path is given. `-u`, `-s`, `-v`, `DATABASE_URL`,
//! `DATABASE_SCHEMA` and `.env` mean what they mean in SeaORM's subcommands. Output has colours on a
//! terminal only, and none if `NO_COLOR` is set.

mod arguments;
mod command;
mod connect;
mod doctor;
mod generate;
mod harden;
mod import;
mod keys;
mod output;
mod plan;
mod progress;
mod report;
mod status;
mod subject;
mod suppressions;
mod why;

use std::process::exit;

use rls_core::RlsConfig;
use sea_orm_migration::MigratorTraitSelf;

use crate::RlsMigrator;
use arguments::Parsed;

/// Runs the command line of a migration crate. Every subcommand but `rls` is SeaORM's
/// ([`sea_orm_migration::cli::run_cli`]), and runs this migrator as any other.
///
/// Prints a warning of each misspelt variable ([`RlsConfig::misspelt_variables`]), and an error, and
/// ends the process with the exit code of the table above if that is not 0.
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
    for misspelt in RlsConfig::misspelt_variables() {
        eprintln!("warning: {misspelt}");
    }

    match arguments::parsed() {
        Parsed::SeaOrm => sea_orm_migration::cli::run_cli(migrator).await,
        Parsed::Rls(arguments) => match Box::pin(command::run(&migrator, &arguments)).await {
            Ok(0) => {}
            Ok(code) => exit(code),
            Err(error) => {
                eprintln!("error: {error}");
                exit(arguments.command.failed());
            }
        },
    }
}
