use rls_core::doctor::Suppressions;
use rls_core::{MissingTables, RlsSchema};
use sea_orm_migration::MigratorTraitSelf;
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::arguments::{Arguments, PageFormat, RlsCommand, SchemaCommand};
use super::connect::{connect, trace};
use super::output::print;
use super::{
    doctor, generate, harden, import, keys, plan, report, status, subject, suppressions, why,
};
use crate::RlsMigrator;
use crate::error::CliError;
use crate::generate::MigrationName;

/// A database, and what its migrations say of it.
struct Target {
    rls: RlsSchema,
    db: DatabaseConnection,
    /// The name of the table that records migrations.
    migrations: String,
    pending: usize,
}

/// Runs a command, and returns the exit code.
pub(super) async fn run<M: MigratorTraitSelf>(
    migrator: &RlsMigrator<M>,
    arguments: &Arguments,
) -> Result<i32, CliError> {
    trace(arguments);

    match &arguments.command {
        RlsCommand::Import { schemas, output } => {
            import::run(migrator.rls(), arguments, schemas, output.as_deref()).await
        }
        RlsCommand::Export { subject, output } => {
            subject::export(&migrator.rls()?, arguments, subject, output.as_deref()).await
        }
        RlsCommand::Erase {
            subject,
            yes,
            batch,
            json,
        } => {
            let how = subject::Erasure {
                is_meant: *yes,
                batch: *batch,
                as_json: *json,
            };
            subject::erase(&migrator.rls()?, arguments, subject, how).await
        }
        RlsCommand::Why(command) => Box::pin(why::run(&migrator.rls()?, arguments, command)).await,
        RlsCommand::Schema(SchemaCommand::Doctor(options)) if options.explain.is_some() => {
            doctor::explain(options)
        }
        RlsCommand::Schema(command) => {
            // Mistakes in the arguments, the configuration and the files come before the database.
            let name = match command {
                SchemaCommand::Generate { name, .. } => {
                    Some(MigrationName::new(name, chrono::Utc::now())?)
                }
                _ => None,
            };

            let rls = migrator.rls()?;
            let suppressions = suppressions_of(command)?;
            let target = target(migrator, rls, arguments).await?;

            Box::pin(on(target, command, name.as_ref(), &suppressions)).await
        }
    }
}

fn suppressions_of(command: &SchemaCommand) -> Result<Suppressions, CliError> {
    match command {
        SchemaCommand::Doctor(options) => doctor::suppressions(options),
        SchemaCommand::Report { suppressions, .. } => {
            let file = suppressions.as_deref();
            suppressions::parse(file, &suppressions::text(file, false)?)
        }
        _ => Ok(Suppressions::default()),
    }
}

async fn target<M: MigratorTraitSelf>(
    migrator: &RlsMigrator<M>,
    rls: RlsSchema,
    arguments: &Arguments,
) -> Result<Target, CliError> {
    let db = connect(arguments).await?;
    let migrator = migrator.inner();
    let pending = migrator.get_pending_migrations_read_only(&db).await?.len();

    let missing = if pending == 0 {
        MissingTables::Refuse
    } else {
        MissingTables::Skip
    };

    Ok(Target {
        rls: rls.missing_tables(missing),
        db,
        migrations: migrator.migration_table_name().to_string(),
        pending,
    })
}

/// Runs a command that needs the database; `name` is that of `rls generate`.
async fn on(
    target: Target,
    command: &SchemaCommand,
    name: Option<&MigrationName>,
    suppressions: &Suppressions,
) -> Result<i32, CliError> {
    let Target {
        rls,
        db,
        migrations,
        pending,
    } = target;

    match command {
        SchemaCommand::Plan { format } => plan::show(&rls, &db, *format, pending).await,
        SchemaCommand::Apply {
            accept_weakening,
            accept_breaking,
            online,
        } => {
            let rls = rls.refuse_breaking(!accept_breaking);
            if *online {
                plan::prepare(&rls, &db).await?;
            }

            plan::apply(rls, &db, *accept_weakening).await
        }
        SchemaCommand::Report {
            output,
            format: PageFormat::Html,
            ..
        } => {
            Box::pin(report::run(
                &rls,
                suppressions,
                &db,
                &migrations,
                output,
                pending,
            ))
            .await
        }
        SchemaCommand::Generate { .. } if pending > 0 => Err(CliError::Pending { count: pending }),
        SchemaCommand::Generate { migration_dir, .. } => {
            generate::run(&rls, &db, name, migration_dir.as_deref()).await
        }
        SchemaCommand::Doctor(options) => {
            doctor::run(&rls, &db, &migrations, options, suppressions).await
        }
        SchemaCommand::Harden => harden::run(&rls, &db, &migrations).await,
        SchemaCommand::Keys(command) => keys::run(&rls, &db, command).await,
        SchemaCommand::Status => {
            print(&status::text(&rls, &db, pending, status::width()).await?)?;
            Ok(0)
        }
    }
}
