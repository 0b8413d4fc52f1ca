use std::fs;
use std::io::{self, BufWriter};
use std::num::NonZeroU32;
use std::path::Path;

use rls_core::model::context::Settings;
use rls_core::subject::Subject;
use rls_core::{AdminContext, RlsConnection, RlsSchema};
use sea_orm_migration::sea_orm::ConnectOptions;

use super::arguments::{Arguments, SubjectArguments};
use super::connect::url;
use super::output::print;
use crate::error::CliError;
use crate::file;

/// What `rls erase` is to do.
pub(super) struct Erasure {
    pub(super) is_meant: bool,
    pub(super) batch: Option<NonZeroU32>,
    pub(super) as_json: bool,
}

/// Runs `rls export`. The rows go to the file or to standard output, the receipt to standard error.
pub(super) async fn export(
    rls: &RlsSchema,
    arguments: &Arguments,
    who: &SubjectArguments,
    output: Option<&Path>,
) -> Result<i32, CliError> {
    let admin = AdminContext::new(&who.admin.actor, &who.admin.reason)?;
    let context = context(rls, &who.who)?;
    let db = connect(rls, arguments).await?;
    let subject = subject(&db, context, who)?;

    let receipt = match output {
        Some(path) => {
            let mut out = BufWriter::new(file::private(path)?);
            let exported = subject.export(admin, &mut out).await;
            if exported.is_err() {
                // What is in it is not whole, and would be in the way of the next try.
                drop(out);
                if let Err(error) = fs::remove_file(path) {
                    eprintln!("cannot remove {}: {error}", path.display());
                }
            }
            exported?
        }
        None => subject.export(admin, &mut io::stdout()).await?,
    };
    eprintln!("{receipt}");

    Ok(0)
}

/// Runs `rls erase`.
pub(super) async fn erase(
    rls: &RlsSchema,
    arguments: &Arguments,
    who: &SubjectArguments,
    how: Erasure,
) -> Result<i32, CliError> {
    let admin = AdminContext::new(&who.admin.actor, &who.admin.reason)?;
    let context = context(rls, &who.who)?;
    let db = connect(rls, arguments).await?;
    let mut subject = subject(&db, context, who)?;
    if let Some(rows) = how.batch {
        subject = subject.batch(rows);
    }

    let receipt = if how.is_meant {
        subject.erase(admin).await?
    } else {
        subject.preview(admin).await?
    };
    let text = if how.as_json {
        receipt.json()
    } else {
        receipt.to_string()
    };
    print(&format!("{text}\n"))?;
    if !how.is_meant {
        eprintln!("Nothing was erased: `--yes` erases these rows.");
    }

    Ok(0)
}

/// Connects as the application does: the maintenance administrator's login is part of that.
async fn connect(rls: &RlsSchema, arguments: &Arguments) -> Result<RlsConnection, CliError> {
    let mut options = ConnectOptions::new(url(arguments)?);
    if let Some(schema) = &arguments.schema {
        options.set_schema_search_path(schema);
    }

    let (config, registry) = (rls.config().clone(), rls.registry().clone());
    Ok(RlsConnection::connect_with(options, config, registry).await?)
}

fn subject<'a>(
    db: &'a RlsConnection,
    context: Settings,
    who: &SubjectArguments,
) -> Result<Subject<'a>, CliError> {
    let mut subject = Subject::new(db, context);
    for skip in &who.skip {
        let pair = skip
            .split_once('=')
            .filter(|(_, reason)| !reason.trim().is_empty());
        let (table, reason) = pair.ok_or_else(|| CliError::NoReason {
            given: skip.clone(),
        })?;
        subject = subject.skip(table, reason);
    }
    Ok(subject)
}

/// The context that `--as` gives.
fn context(rls: &RlsSchema, given: &[String]) -> Result<Settings, CliError> {
    let mut context = Settings::new();
    for one in given {
        let pair = one.split_once('=').filter(|(_, id)| !id.is_empty());
        let named = |(who, id)| Some((rls.registry().setting_named(who)?, id));
        let (setting, id) = pair.and_then(named).ok_or_else(|| CliError::NoSubject {
            given: one.split('=').next().unwrap_or_default().to_owned(),
        })?;
        context = context.with(setting.as_str(), id)?;
    }
    Ok(context)
}
