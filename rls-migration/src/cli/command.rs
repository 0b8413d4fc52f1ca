use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use rls_core::doctor::Suppressions;
use rls_core::schema::read;
use rls_core::{Identifier, MissingTables, Plan, RlsError, RlsSchema};
use sea_orm_migration::MigratorTraitSelf;
use sea_orm_migration::sea_orm::{DatabaseConnection, DbErr};

use super::arguments::{Arguments, Format, PageFormat, RlsCommand};
use super::connect::{connect, trace};
use super::output::{colours, print};
use super::progress::{comparing, during};
use super::{doctor, report, status, suppressions};
use crate::error::CliError;
use crate::generate::{self, MigrationName};
use crate::{RlsMigrator, import};

/// The code with which `rls plan` says that there are changes.
const CHANGES: i32 = 2;

/// Runs a command, and returns the code to exit with.
pub(super) async fn run<M: MigratorTraitSelf>(
    migrator: &RlsMigrator<M>,
    arguments: &Arguments,
) -> Result<i32, CliError> {
    trace(arguments);

    // Before anything is done on the database, and whatever the command: a wrong configuration is
    // never half-used.
    let rls = migrator.rls();
    let name = match &arguments.command {
        RlsCommand::Generate { name, .. } => Some(MigrationName::new(name, chrono::Utc::now())?),
        _ => None,
    };

    match &arguments.command {
        RlsCommand::Import { schemas, output } => {
            // Entities come after the import, so an empty registry is no mistake here.
            let config = rls.map_or_else(
                |_| rls_core::RlsConfig::from_env(),
                |rls| Ok(rls.config().clone()),
            );

            let db = connect(arguments).await?;
            let tables = read::secured_tables(&db, &names(schemas)?).await?;

            import_into(
                import::text(&tables, &config.map_err(RlsError::from)?),
                output.as_deref(),
            )
        }
        RlsCommand::Doctor(said) if said.explain.is_some() => doctor::explain(said),
        command => {
            let rls = rls?;

            // Before the database is asked: a mistake in it is one whatever is found.
            let suppressions = match command {
                RlsCommand::Doctor(said) => doctor::suppressions(said)?,
                RlsCommand::Report { suppressions, .. } => {
                    let named = suppressions.as_deref();
                    suppressions::parse(named, &suppressions::text(named, false)?)?
                }
                _ => Suppressions::default(),
            };

            let db = connect(arguments).await?;
            let migrations = migrator.inner().migration_table_name().to_string();
            let pending = migrator
                .inner()
                .get_pending_migrations_read_only(&db)
                .await?
                .len();

            let rls = rls.missing_tables(if pending == 0 {
                MissingTables::Refuse
            } else {
                MissingTables::Skip
            });

            match command {
                RlsCommand::Plan { format } => plan(&rls, &db, *format, pending).await,
                RlsCommand::Apply {
                    accept_weakening,
                    online,
                } => {
                    if *online {
                        let prepared =
                            during("Adding columns, keys and indexes", rls.prepare_online(&db))
                                .await?;
                        print(&prepared.text(colours()).to_string())?;
                    }

                    apply(rls, &db, *accept_weakening).await
                }
                RlsCommand::Report {
                    output,
                    format: PageFormat::Html,
                    ..
                } => report::run(&rls, &suppressions, &db, &migrations, output, pending).await,
                RlsCommand::Generate { migration_dir, .. } if pending == 0 => {
                    generate(&rls, &db, name.as_ref(), migration_dir.as_deref()).await
                }
                RlsCommand::Doctor(said) => {
                    doctor::run(&rls, &db, &migrations, said, &suppressions).await
                }
                RlsCommand::Generate { .. } => Err(CliError::Pending { count: pending }),
                RlsCommand::Status | RlsCommand::Import { .. } => {
                    print(&status::text(&rls, &db, pending, status::width()).await?)?;
                    Ok(0)
                }
            }
        }
    }
}

async fn plan(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    format: Format,
    pending: usize,
) -> Result<i32, CliError> {
    let plan = during(comparing(rls), rls.plan(db)).await?;
    print(&match format {
        Format::Text => plan.text(colours()).to_string(),
        Format::Sql if plan.is_empty() => String::new(),
        // By hand too it is all or nothing.
        Format::Sql => format!("BEGIN;\n{plan}COMMIT;\n"),
        Format::Json => format!("{}\n", plan.json()),
    })?;

    if pending > 0 {
        eprintln!(
            "{}: tables that they create are not in the plan",
            crate::error::pending(pending)
        );
    }

    Ok(if plan.is_empty() { 0 } else { CHANGES })
}

async fn apply(
    rls: RlsSchema,
    db: &DatabaseConnection,
    accept_weakening: bool,
) -> Result<i32, CliError> {
    let rls = rls.danger_accept_weakening(accept_weakening);
    let plan: Plan = during(
        format!(
            "Applying what {} tables lack",
            rls.registry().scopes().len()
        ),
        rls.sync(db),
    )
    .await?;

    print(&plan.text(colours()).to_string())?;
    if !plan.is_empty() {
        print("Applied.\n")?;
    }

    Ok(0)
}

async fn generate(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    name: Option<&MigrationName>,
    directory: Option<&Path>,
) -> Result<i32, CliError> {
    let script = during(comparing(rls), rls.script(db)).await?;
    let Some(name) = name.filter(|_| !script.is_empty()) else {
        print("Nothing to write: the database is as the entities say.\n")?;
        return Ok(0);
    };

    // As SeaORM's own `generate`, the current directory where cargo does not say.
    let directory = directory
        .map(Path::to_owned)
        .or_else(|| std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from));
    let written = generate::write(
        &directory.unwrap_or_else(|| PathBuf::from(".")),
        name,
        &script,
    )?;

    print(&format!(
        "Wrote {}: {} statements, and {} back.\n",
        written.file.display(),
        script.up.len(),
        script.down.len()
    ))?;
    match written.missing {
        None => print(&format!(
            "Added it to {}; review it, then run `up`.\n",
            written.library.display()
        ))?,
        Some(lines) => print(&format!(
            "{} is laid out otherwise than `sea-orm-cli` does it, and was left alone. Add to \
             it:\n\n{lines}\n",
            written.library.display()
        ))?,
    }

    Ok(0)
}

fn import_into(text: Option<String>, output: Option<&Path>) -> Result<i32, CliError> {
    let Some(text) = text else {
        eprintln!("Nothing to import: no policy there was made by hand.");
        return Ok(0);
    };

    let Some(file) = output else {
        return print(&text).map(|()| 0);
    };
    let io = |doing| {
        move |source| CliError::Io {
            doing,
            path: file.to_owned(),
            source,
        }
    };

    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    let mut opened = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::Exists {
            file: file.to_owned(),
        },
        _ => io("create")(error),
    })?;

    opened.write_all(text.as_bytes()).map_err(io("write"))?;
    print(&format!("Wrote {}.\n", file.display()))?;

    Ok(0)
}

fn names(schemas: &[String]) -> Result<Vec<Identifier>, CliError> {
    let checked = |schema: &String| {
        Identifier::new(schema.clone())
            .map_err(|error| DbErr::Custom(format!("a schema: {error}")).into())
    };
    schemas.iter().map(checked).collect()
}
