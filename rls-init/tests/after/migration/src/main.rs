use sea_orm_rls::migration::{RlsMigrator, cli};

#[tokio::main]
async fn main() {
    cli::run_cli(RlsMigrator::new(migration::Migrator)).await;
}
