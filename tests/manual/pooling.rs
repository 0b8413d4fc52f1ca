use std::time::Duration;

use sea_orm::ConnectOptions;
use sea_orm_rls::{RlsConfig, RlsConnection, RlsError};

async fn connect(url: String) -> Result<RlsConnection, RlsError> {
    // snippet
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(3))
        .statement_timeout(Duration::from_secs(10))
        .set_application_name("tasks-api");
    RlsConnection::connect(options, RlsConfig::from_env()?).await
    // end
}
