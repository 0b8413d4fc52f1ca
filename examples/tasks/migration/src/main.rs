use rls_migration::{RlsMigrator, cli};
use tasks_migration::Migrator;

#[tokio::main]
async fn main() {
    cli::run_cli(RlsMigrator::new(Migrator)).await;
}
