use std::io::{self, BufWriter, Write};
use std::num::NonZeroU32;
use std::path::Path;

use rls_core::model::context::Settings;
use rls_core::subject::Subject;
use rls_core::{AdminContext, Holder, RlsConnection, RlsSchema, Scope};
use sea_orm_migration::sea_orm::ConnectOptions;

use super::arguments::{Arguments, SubjectArguments};
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
            let mut out = BufWriter::new(file::new(path)?);
            subject.export(admin, &mut out).await?
        }
        None => subject.export(admin, &mut Printed).await?,
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

/// Standard output, which is not held between lines.
struct Printed;

impl Write for Printed {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        io::stdout().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// Connects as the application does: the maintenance administrator's login is part of that.
async fn connect(rls: &RlsSchema, arguments: &Arguments) -> Result<RlsConnection, CliError> {
    let url = arguments.url.as_deref().filter(|url| !url.is_empty());
    let mut options = ConnectOptions::new(url.ok_or(CliError::NoUrl)?);
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
    let scopes = rls.registry().scopes();
    let mut context = Settings::new();
    for one in given {
        let pair = one.split_once('=').filter(|(_, id)| !id.is_empty());
        let found = pair.map(|(who, id)| (settings(scopes, who), id));
        let Some((names, id)) = found.filter(|(names, _)| !names.is_empty()) else {
            let given = one.clone();
            return Err(CliError::NoSubject { given });
        };
        for name in names {
            context = context.with(&name, id)?;
        }
    }
    Ok(context)
}

/// The settings that name a user, a tenant, or the one of this name.
fn settings(scopes: &[Scope], who: &str) -> Vec<String> {
    let keys = scopes.iter().flat_map(|scope| &scope.keys);
    let named = keys.filter(|key| match who {
        "user" => key.holder == Holder::User,
        "tenant" => key.holder == Holder::Tenant,
        setting => key.setting.as_str() == setting,
    });

    let mut settings: Vec<String> = named.map(|key| key.setting.to_string()).collect();
    settings.sort();
    settings.dedup();
    settings
}
