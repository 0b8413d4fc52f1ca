use std::process::Command as Program;

use rls_core::model::Command;
use rls_core::why::{Outcome, PsqlSession, Why};
use rls_core::{AdminContext, RlsError, RlsSchema, Settings};

use super::arguments::{
    AdminArguments, AnswerFormat, Arguments, ContextArguments, Statement, WhyCommand,
};
use super::connect::url;
use super::output::{colours, print};
use crate::error::CliError;

/// The exit code of `rls why` if a command does not pass.
const STANDS_IN_THE_WAY: i32 = 2;

/// Runs `rls why`, `rls who` and `rls psql`, which ask as the administrator.
pub(super) async fn run(
    rls: &RlsSchema,
    arguments: &Arguments,
    command: &WhyCommand,
) -> Result<i32, CliError> {
    match command {
        WhyCommand::Why {
            table,
            key,
            values,
            command,
            format,
            context,
            admin,
        } => {
            let why = connect(rls, arguments, admin).await?;
            let table = in_schema(arguments, table);
            let context = self::context(&why, context)?;
            let key: Vec<&str> = key.iter().map(String::as_str).collect();
            let mut answer = match values {
                Some(values) => why.new_row(context, &table, values).await?,
                None => why.row(context, &table, &key).await?,
            };
            why.close().await;

            if let Some(command) = command {
                let command = command.asked();
                answer.commands.retain(|answer| answer.command == command);
                if answer.commands.is_empty() {
                    return Err(CliError::NewRow { command });
                }
            }

            print(&match format {
                AnswerFormat::Text => answer.text(colours()).to_string(),
                AnswerFormat::Json => format!("{}\n", answer.json()),
            })?;
            let passes = |it: &rls_core::why::CommandAnswer| it.outcome == Outcome::Passes;
            let code = if answer.commands.iter().all(passes) {
                0
            } else {
                STANDS_IN_THE_WAY
            };
            Ok(code)
        }
        WhyCommand::Who {
            table,
            key,
            format,
            admin,
        } => {
            let why = connect(rls, arguments, admin).await?;
            let key: Vec<&str> = key.iter().map(String::as_str).collect();
            let who = why.who(&in_schema(arguments, table), &key).await?;
            why.close().await;

            print(&match format {
                AnswerFormat::Text => who.text(),
                AnswerFormat::Json => format!("{}\n", who.json()),
            })?;
            Ok(0)
        }
        WhyCommand::Psql {
            context,
            admin,
            arguments: more,
        } => {
            let why = connect(rls, arguments, admin).await?;
            let context = self::context(&why, context)?;
            let session = why.psql(context.clone()).await?;
            why.close().await;

            announce(rls, &context, &session);
            psql(&session, more)
        }
    }
}

async fn connect(
    rls: &RlsSchema,
    arguments: &Arguments,
    admin: &AdminArguments,
) -> Result<Why, CliError> {
    let admin = AdminContext::new(&admin.actor, &admin.reason).map_err(RlsError::from)?;
    let (registry, config) = (rls.registry().clone(), rls.config().clone());
    Ok(Why::connect(url(arguments)?, config, registry, admin).await?)
}

/// A name without a schema is in the one that `-s` names.
fn in_schema(arguments: &Arguments, table: &str) -> String {
    match &arguments.schema {
        Some(schema) if !table.contains('.') => format!("{schema}.{table}"),
        _ => table.to_owned(),
    }
}

fn context(why: &Why, context: &ContextArguments) -> Result<Settings, CliError> {
    let parts: Option<Vec<(&str, &str)>> = context
        .parts
        .iter()
        .map(|part| part.split_once('='))
        .collect();
    Ok(why.context(&parts.ok_or(CliError::NoValue)?)?)
}

/// Says what the session is, without a value.
fn announce(rls: &RlsSchema, context: &Settings, session: &PsqlSession) {
    let login = rls.config().app_role();
    let lasts = match session.signed_for() {
        Some(holds) => format!("it is signed for {} minutes", holds.as_secs() / 60),
        None => "it ends with the session".to_owned(),
    };

    eprintln!(
        "psql as `{login}` under the context {context:?}: {lasts}. That the session was opened is \
         recorded, what is done in it is not."
    );
}

/// Runs `psql` in place of this program, so that it gets the terminal's signals.
#[cfg(unix)]
fn psql(session: &PsqlSession, arguments: &[String]) -> Result<i32, CliError> {
    use std::os::unix::process::CommandExt;

    Err(not_run(&program(session, arguments).exec()))
}

#[cfg(not(unix))]
fn psql(session: &PsqlSession, arguments: &[String]) -> Result<i32, CliError> {
    let status = program(session, arguments).status();
    let status = status.map_err(|error| not_run(&error))?;
    Ok(status.code().unwrap_or(1))
}

fn program(session: &PsqlSession, arguments: &[String]) -> Program {
    let mut program = Program::new("psql");
    program
        .args(arguments)
        .env_remove("PGSERVICE")
        .env_remove("PGHOSTADDR")
        .env_remove("DATABASE_URL")
        .envs(session.environment());
    program
}

fn not_run(error: &std::io::Error) -> CliError {
    CliError::NoPsql {
        why: error.to_string(),
    }
}

impl Statement {
    fn asked(self) -> Command {
        match self {
            Self::Select => Command::Select,
            Self::Insert => Command::Insert,
            Self::Update => Command::Update,
            Self::Delete => Command::Delete,
        }
    }
}
