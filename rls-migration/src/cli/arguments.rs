use std::env;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::exit;

use clap::{ArgMatches, Args, Command, CommandFactory, FromArgMatches, Subcommand, ValueEnum};
use sea_orm_migration::cli::Cli;

/// The default of `rls report --output`.
const REPORT: &str = "rls-report.html";

/// Which program a command line is for.
pub(super) enum Parsed {
    SeaOrm,
    Rls(Box<Arguments>),
}

/// The arguments of `rls`, and SeaORM's own options.
pub(super) struct Arguments {
    pub(super) verbose: bool,
    pub(super) url: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) command: RlsCommand,
}

#[derive(Subcommand)]
pub(super) enum RlsCommand {
    #[command(flatten)]
    Schema(SchemaCommand),
    #[command(flatten)]
    Why(WhyCommand),
    /// Write every row of a user or tenant as lines of JSON, with a receipt on standard error
    Export {
        #[command(flatten)]
        subject: SubjectArguments,
        /// The file to write, which must not exist [default: print]
        #[arg(short = 'o', long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Count the rows of a user or tenant, table by table; with --yes, delete them
    Erase {
        #[command(flatten)]
        subject: SubjectArguments,
        /// Delete the rows
        #[arg(long)]
        yes: bool,
        /// Delete at most so many rows in a transaction [default: all in one]
        #[arg(long, value_name = "ROWS")]
        batch: Option<NonZeroU32>,
        /// Print the receipt as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print hand-written policies as Rust, for `#[rls_policies(policies = path)]`
    Import {
        /// A schema to read; may be given several times [default: the current one]
        #[arg(long = "schema", value_name = "SCHEMA")]
        schemas: Vec<String>,
        /// The file to write, which must not exist [default: print]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// The commands that compare a database with the entities.
#[derive(Subcommand)]
pub(super) enum SchemaCommand {
    /// Show what would change
    ///
    /// Exits with 0 if nothing would, with 2 if something would, with 3 while migrations are pending,
    /// and with 1 on an error.
    Plan {
        /// `text` for people, `sql` to run by hand, `json` for programs
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Bring the database to what the entities say, all or nothing (but see --online)
    Apply {
        /// Also make changes that let more rows be reached
        #[arg(long)]
        accept_weakening: bool,
        /// Also make changes by which statements of the version that is running begin to fail
        #[arg(long)]
        accept_breaking: bool,
        /// Add columns, keys and indexes first, in steps that hold no lock for long; if a step
        /// fails, the earlier ones stay
        #[arg(long)]
        online: bool,
    },
    /// Show a line for each table: its drift from the entity, its policies and its scope
    Status,
    /// Look for what weakens or slows row-level security, and say what to do
    ///
    /// Exits with 0 if nothing is found, with 1 if something is, and with 2 if the database could
    /// not be examined.
    Doctor(DoctorArguments),
    /// Write a page for people: who owns what, policies in words and in SQL, roles, findings
    Report {
        /// The file to write, which may be an earlier report; `-` prints the page
        #[arg(short = 'o', long, value_name = "FILE", default_value = REPORT)]
        output: PathBuf,
        /// The page's format
        #[arg(long, value_enum, default_value_t = PageFormat::Html)]
        format: PageFormat,
        /// The file with the doctor's suppressions [default: rls.suppressions]
        #[arg(long, value_name = "FILE")]
        suppressions: Option<PathBuf>,
    },
    /// Write a migration that brings the database to what the entities say, and undoes it
    Generate {
        /// The migration's name
        name: String,
        /// The migration crate's directory [default: the one that `cargo run` runs]
        #[arg(short = 'd', long, value_name = "DIR")]
        migration_dir: Option<PathBuf>,
    },
    /// Print the statements that take from the application's role what injected SQL could use, by
    /// who can run them, and the level that is reached
    ///
    /// Changes nothing.
    Harden,
    /// List, replace or end the keys that sign contexts
    #[command(subcommand)]
    Keys(KeysCommand),
}

/// The commands that ask and look as an administrator.
#[derive(Subcommand)]
pub(super) enum WhyCommand {
    /// Say which policy shows, hides or refuses a row in a context, part by part, and what else stands
    /// in the way
    ///
    /// Exits with 0 if each command passes, with 2 if one does not, and with 1 on an error.
    Why {
        /// The table, as the entity names it
        table: String,
        /// The values of the row's primary key, in the order of its columns
        #[arg(
            required_unless_present = "values",
            conflicts_with = "values",
            allow_negative_numbers = true
        )]
        key: Vec<String>,
        /// Ask about a new row with these values, a JSON object of columns; nothing is inserted
        #[arg(long, value_name = "JSON")]
        values: Option<String>,
        /// One command alone
        #[arg(long, value_enum)]
        command: Option<Statement>,
        /// `text` for people, `json` for programs
        #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
        format: AnswerFormat,
        #[command(flatten)]
        context: ContextArguments,
        #[command(flatten)]
        admin: AdminArguments,
    },
    /// List which users and tenants reach a row, and with which commands
    Who {
        /// The table, as the entity names it
        table: String,
        /// The values of the row's primary key, in the order of its columns
        #[arg(required = true, allow_negative_numbers = true)]
        key: Vec<String>,
        /// `text` for people, `json` for programs
        #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
        format: AnswerFormat,
        #[command(flatten)]
        admin: AdminArguments,
    },
    /// Open a session of `psql` as the application's login, under a context that ends with it
    ///
    /// Exits as `psql` does, and with 1 if it cannot be started.
    Psql {
        #[command(flatten)]
        context: ContextArguments,
        #[command(flatten)]
        admin: AdminArguments,
        /// Arguments of `psql`, after `--`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Show a line for each key: its identifier, when it was made, and when it ends
    List,
    /// Make a new key and print it, as `RLS_SIGNING_KEY=…`; it is shown this once
    Rotate {
        /// How many seconds the keys before it still hold, so that services can be given the new one
        #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
        overlap: u64,
    },
    /// End a key now
    Revoke {
        /// Its identifier
        id: String,
    },
}

/// Whose rows, and who acts why.
#[derive(Args)]
pub(super) struct SubjectArguments {
    /// Whose rows: `user=ID`, `tenant=ID`, or a setting, `app.user_id=ID`; may be given several
    /// times, for a user of one tenant
    #[arg(long = "as", value_name = "WHO=ID", required = true)]
    pub(super) who: Vec<String>,
    #[command(flatten)]
    pub(super) admin: AdminArguments,
    /// Leave a table out, for a reason that the receipt tells; may be given several times
    #[arg(long, value_name = "TABLE=REASON")]
    pub(super) skip: Vec<String>,
}

/// The context that is asked about.
#[derive(Args)]
pub(super) struct ContextArguments {
    /// A part of the context: `user=…`, `tenant=…`, or a setting; may be given several times
    /// [default: no context]
    #[arg(long = "as", value_name = "PART=VALUE")]
    pub(super) parts: Vec<String>,
}

/// The administrator who acts, for the record.
#[derive(Args)]
pub(super) struct AdminArguments {
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// Who acts, for the record
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    pub(super) actor: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Statement {
    Select,
    Insert,
    Update,
    Delete,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum AnswerFormat {
    Text,
    Json,
}

#[derive(Args)]
pub(super) struct DoctorArguments {
    /// `text` for people, `json` for programs, `sarif` for code hosts
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(super) format: ReportFormat,
    /// The least severity that makes the exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Warning, value_name = "SEVERITY")]
    pub(super) fail_on: FailOn,
    /// Report findings of a rule as errors, on any object or on this one, whatever the file allows;
    /// may be given several times
    #[arg(long, value_name = "RULE[=OBJECT]")]
    pub(super) deny: Vec<String>,
    /// Suppress findings of a rule, on any object or on this one, from now on: adds a line to the
    /// file, with the reason
    #[arg(long, value_name = "RULE[=OBJECT]", requires = "reason")]
    pub(super) allow: Vec<String>,
    /// Why the findings are suppressed
    #[arg(long, value_name = "TEXT", requires = "allow")]
    pub(super) reason: Option<String>,
    /// The file with suppressions, one a line: `allow RULE OBJECT REASON` or `deny RULE [OBJECT]`
    /// [default: rls.suppressions]
    #[arg(long, value_name = "FILE")]
    pub(super) suppressions: Option<PathBuf>,
    /// Print what a rule is about and what to do, without a database
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
    /// The exit code of a failure.
    pub(super) fn failed(&self) -> i32 {
        if matches!(self, Self::Schema(SchemaCommand::Doctor(_))) {
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

/// SeaORM's command line with `rls` added, so that its help shows both.
fn command() -> Command {
    let rls = Command::new("rls")
        .about("Row-level security: plan, apply, status, doctor, why, who, psql, report, generate, harden, keys, export, erase, import")
        .display_order(100)
        .subcommand_required(true)
        .arg_required_else_help(true);

    Cli::command()
        .subcommand(RlsCommand::augment_subcommands(rls))
        // SeaORM's own help prints the URL in the environment, with its password.
        .mut_arg("database_url", |arg| arg.hide_env_values(true))
}

/// Parses the arguments of this process. Help and mistakes end the process.
pub(super) fn parsed() -> Parsed {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // The usual code for a mistake is 2. To `rls plan` that means changes, and to `rls
            // doctor` a database that could not be examined.
            let has = |word: &str| env::args_os().any(|argument| argument == word);
            let mistake = error.use_stderr() && has("rls") && !has("doctor");
            let _printed_or_closed = error.print();

            exit(if mistake { 1 } else { error.exit_code() });
        }
    };

    match matches.subcommand() {
        Some(("rls", rls)) => Parsed::Rls(Box::new(arguments(&matches, rls))),
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
