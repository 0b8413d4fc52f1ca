use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// As Cargo calls the program: `cargo-rls rls init …`.
#[derive(Parser)]
#[command(name = "cargo", bin_name = "cargo")]
enum Cargo {
    /// Row-level security of SeaORM projects
    #[command(subcommand)]
    Rls(Rls),
}

#[derive(Subcommand)]
enum Rls {
    /// Bring row-level security into a SeaORM project: shows the changes as a diff
    ///
    /// Wraps the migrator, adds the dependencies, the derives that fit the entities, and the keys of
    /// `.env`. What it cannot know is listed, and left to you. A second run changes nothing.
    Init(Arguments),
}

#[derive(Args)]
pub(crate) struct Arguments {
    /// The project's directory
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Write the changes, and not only show them
    #[arg(long)]
    pub(crate) write: bool,
    /// The table of the users [default: `user`, `users`, `account` or `accounts`]
    #[arg(long, value_name = "TABLE")]
    pub(crate) users: Option<String>,
    /// Depend on this git repository [default: on the checkout that this program is of]
    #[arg(long, value_name = "URL")]
    pub(crate) git: Option<String>,
}

/// Parses the arguments of this process. Help and mistakes end the process.
pub(crate) fn parsed() -> Arguments {
    let Cargo::Rls(Rls::Init(arguments)) = Cargo::parse();
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_holds_together() {
        <Cargo as clap::CommandFactory>::command().debug_assert();
    }
}
