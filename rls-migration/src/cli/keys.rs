use std::fmt::Write as _;
use std::time::Duration;

use rls_core::RlsSchema;
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::arguments::KeysCommand;
use super::output::print;
use crate::error::CliError;

/// Runs `rls keys`. The secret of a new key goes to the standard output alone.
pub(super) async fn run(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    command: &KeysCommand,
) -> Result<i32, CliError> {
    match command {
        KeysCommand::List => print(&list(rls, db).await?)?,
        KeysCommand::Rotate { overlap } => {
            let key = rls.rotate_keys(db, Duration::from_secs(*overlap)).await?;
            print(&format!("RLS_SIGNING_KEY={}\n", key.expose()))?;
            eprintln!(
                "Give this key to the services, which then sign with it. The keys before it end in \
                 {overlap} s."
            );
        }
        KeysCommand::Revoke { id } => {
            rls.revoke_key(db, id).await?;
            print(&format!("Key {id} has ended.\n"))?;
        }
    }

    Ok(0)
}

async fn list(rls: &RlsSchema, db: &DatabaseConnection) -> Result<String, CliError> {
    let keys = rls.keys(db).await?;
    if keys.is_empty() {
        return Ok("There is no key: `rls keys rotate` makes one.\n".to_owned());
    }

    let mut text = String::new();
    for key in keys {
        let holds = if key.holds { "holds" } else { "ended" };
        let _infallible = writeln!(
            text,
            "{}  {holds}  made {}  ends {}",
            key.id, key.created_at, key.ends_at
        );
    }

    Ok(text)
}
