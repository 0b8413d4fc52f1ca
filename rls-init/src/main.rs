//! `cargo rls init`: writes into a SeaORM project what row-level security needs, shown as a diff first.
//!
//! It knows no database and links none of the library: a project that has not adopted the library
//! yet has no program with its command line.

mod arguments;
mod change;
mod decide;
mod entity;
mod environment;
mod error;
mod manifest;
mod migration;
mod plan;
mod project;

use std::process::ExitCode;

use arguments::Arguments;
use error::InitError;
use plan::Plan;
use project::Project;

fn main() -> ExitCode {
    match run(&arguments::parsed()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), InitError> {
    let project = Project::read(&arguments.directory)?;
    let plan = Plan::new(&project, arguments)?;

    print!("{}", plan.diff(&project.root));
    if arguments.write {
        plan.write()?;
    }
    eprint!("{}", plan.words(&project.root, arguments.write));

    Ok(())
}
