//! `cargo run -p tasks-api`: with nothing set it has a PostgreSQL of its own, and says what to try.

use std::process::ExitCode;

use tasks_api::config::Config;
use tasks_api::start;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    // The migrations of a database of its own would say more than what there is to try.
    let usual = || EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn,rls_core::rls=warn");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();

    let ended = match Config::from_env() {
        Ok(config) => start::run(config).await,
        Err(error) => Err(error.into()),
    };

    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
