//! `cargo run -p tasks-api`: with nothing set it has a PostgreSQL of its own, and says what to try.

use std::error::Error;

use tasks_api::config::Config;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    tasks_api::start::run(Config::from_env()?).await
}
