use std::env;
use std::path::PathBuf;
use std::process::exit;

use clap::{ArgMatches, Args, Command, CommandFactory, FromArgMatches, Subcommand, ValueEnum};
use sea_orm_migration::cli::Cli;

/// The page's file unless another is named.
const REPORT: &str = "rls-report.html";

/// Whose command it is.
pub(super) enum Parsed {
    SeaOrm,
    Rls(Arguments),
}

/// What was typed behind `rls`, and SeaORM's own options.
pub(super) struct Arguments {
    pub(super) verbose: bool,
    pub(super) url: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) command: RlsCommand,
}

#[derive(Subcommand)]
pub(super) enum RlsCommand {
    /// Show what would change; exits with 0 where nothing would, with 2 where something would
    Plan {
        /// `text` for people, `sql` to run by hand, `json` for programs
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Bring the database to what the entities say, all or nothing
    Apply {
        /// Also make changes that let more rows be reached
        #[arg(long)]
        accept_weakening: bool,
        /// Add columns, keys and indexes first, in steps that hold no lock for long; not all or
        /// nothing
        #[arg(long)]
        online: bool,
    },
    /// Show each table: its scope, its policies, and whether it is as its entity says
    Status,
    /// Look for what weakens or slows row-level security, and say what to do; exits with 0 where
    /// nothing is found, with 1 where something is, with 2 where the database could not be examined
    Doctor(DoctorArguments),
    /// Write a page for people: who owns what, policies in words and in SQL, roles, findings
    Report {
        /// The file, which may be a report of before; `-` prints
        #[arg(short = 'o', long, value_name = "FILE", default_value = REPORT)]
        output: PathBuf,
        /// The page's form
        #[arg(long, value_enum, default_value_t = PageFormat::Html)]
        format: PageFormat,
        /// The file with what is allowed and denied of the doctor's findings [default:
        /// rls.suppressions]
        #[arg(long, value_name = "FILE")]
        suppressions: Option<PathBuf>,
    },
    /// Write a migration that brings the database to what the entities say, and back
    Generate {
        /// Name of the new migration
        name: String,
        /// The migration crate's directory [default: the one `cargo run` runs]
        #[arg(short = 'd', long, value_name = "DIR")]
        migration_dir: Option<PathBuf>,
    },
    /// Print hand-written policies as Rust, for `#[rls_policies(policies = path)]`
    Import {
        /// Read this schema; may be said several times [default: the current one]
        #[arg(long = "schema", value_name = "SCHEMA")]
        schemas: Vec<String>,
        /// Write a file, which must not exist, instead of printing
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(super) struct DoctorArguments {
    /// `text` for people, `json` for programs, `sarif` for code hosts
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(super) format: ReportFormat,
    /// The least severity that counts
    #[arg(long, value_enum, default_value_t = FailOn::Warning, value_name = "SEVERITY")]
    pub(super) fail_on: FailOn,
    /// Take findings of a rule, on any object or on this one, for errors; may be said several
    /// times, and counts more than what the file allows
    #[arg(long, value_name = "RULE[=OBJECT]")]
    pub(super) deny: Vec<String>,
    /// Allow findings of a rule, on any object or on this one, from now on: keeps that in the file,
    /// with the reason
    #[arg(long, value_name = "RULE[=OBJECT]", requires = "reason")]
    pub(super) allow: Vec<String>,
    /// Why it is allowed
    #[arg(long, value_name = "TEXT", requires = "allow")]
    pub(super) reason: Option<String>,
    /// The file with what is allowed and denied, one line each: `allow RULE OBJECT REASON`
    /// [default: rls.suppressions]
    #[arg(long, value_name = "FILE")]
    pub(super) suppressions: Option<PathBuf>,
    /// Print what a rule is about and what to do, and examine nothing
    #[arg(long, value_name = "RULE", conflicts_with_all = ["deny", "allow", "suppressions"])]
    pub(super) explain: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ReportFormat {
    Text,
    Json,
    Sarif,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum FailOn {
    Error,
    Warning,
    Hint,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
    Text,
    Sql,
    Json,
}

impl RlsCommand {
    /// The code to exit with where it failed.
    pub(super) fn failed(&self) -> i32 {
        if matches!(self, Self::Doctor(_)) {
            2
        } else {
            1
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum PageFormat {
    Html,
}

/// SeaORM's command line with `rls` in it, so that its help shows both.
fn command() -> Command {
    let rls = Command::new("rls")
        .about("Row-level security: plan, apply, status, doctor, report, generate, import")
        .display_order(100)
        .subcommand_required(true)
        .arg_required_else_help(true);

    Cli::command()
        .subcommand(RlsCommand::augment_subcommands(rls))
        // SeaORM's own help prints the URL in the environment, with its password.
        .mut_arg("database_url", |arg| arg.hide_env_values(true))
}

/// Parses this process's arguments; help, and mistakes in them, end the process.
pub(super) fn parsed() -> Parsed {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // The usual code for a mistake is 2, with which `rls plan` says that there are changes,
            // and `rls doctor` that it could not examine.
            let said = |word: &str| env::args_os().any(|argument| argument == word);
            let mistake = error.use_stderr() && said("rls") && !said("doctor");
            let _printed_or_closed = error.print();

            exit(if mistake { 1 } else { error.exit_code() });
        }
    };

    match matches.subcommand() {
        Some(("rls", rls)) => Parsed::Rls(arguments(&matches, rls)),
        _ => Parsed::SeaOrm,
    }
}

fn arguments(all: &ArgMatches, rls: &ArgMatches) -> Arguments {
    let text = |id| all.get_one::<String>(id).cloned();
    Arguments {
        verbose: all.get_flag("verbose"),
        url: text("database_url"),
        schema: text("database_schema"),
        command: RlsCommand::from_arg_matches(rls).unwrap_or_else(|error| error.exit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn global_options_are_taken_on_either_side() {
        for line in [
            "m -u U -s S -v rls plan",
            "m rls plan -u U -s S -v",
            "m rls -u U -s S -v plan",
        ] {
            let matches = command().try_get_matches_from(line.split(' ')).unwrap();
            let (_, rls) = matches.subcommand().unwrap();
            let arguments = arguments(&matches, rls);

            assert_eq!(
                (arguments.url.as_deref(), arguments.schema.as_deref()),
                (Some("U"), Some("S")),
                "{line}"
            );
            assert!(arguments.verbose, "{line}");
        }
    }
}
