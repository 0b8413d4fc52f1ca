use std::time::Duration;

use sea_orm::{ActiveModelTrait, ConnectOptions, EntityTrait, Set};
use sea_orm_rls::context::{Otherwise, ReadFrom};
use sea_orm_rls::{RlsConfig, RlsConnection, RlsError, UserContext};

use crate::world::task;

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

mod tokens {
    pub async fn current(user: &str, host: &str, port: u16) -> Result<String, std::io::Error> {
        std::future::ready(Ok(format!("{user}@{host}:{port}"))).await
    }
}

async fn by_tokens(url: String) -> Result<RlsConnection, RlsError> {
    // snippet
    let config = RlsConfig::from_env()?.password_provider(|login| async move {
        // `login` has the name, the host and the port, which a token may be made for.
        Ok(tokens::current(&login.user, &login.host, login.port).await?)
    });
    RlsConnection::connect(url, config).await
    // end
}

async fn reads(
    primary: String,
    standby: String,
    user: UserContext,
    task: task::ActiveModel,
) -> Result<Vec<task::Model>, RlsError> {
    // snippet
    let db = RlsConnection::connect(primary, RlsConfig::from_env()?)
        .await?
        .with_standby(standby)
        .await?;

    let mine = db.scope(user.clone());
    task::ActiveModel {
        title: Set("rest".to_owned()),
        ..task
    }
    .insert(&mine)
    .await?;
    let position = db.position().await?;

    // It sees what was just written.
    let from = ReadFrom::StandbyAfter {
        position,
        within: Duration::from_secs(1),
        otherwise: Otherwise::Primary,
    };
    let reads = db.scope_read_only(user, from);
    Ok(task::Entity::find().all(&reads).await?)
    // end
}
