//! Makes a pool that logs in as one role, from SeaORM's options.

use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DbErr, RuntimeErr};
use sqlx::PgPool;

use crate::config::{ConfigError, Login};
use crate::error::RlsError;
use crate::name::SettingName;

/// How long a connection may be idle before the next statement first asks whether it is alive. Of a
/// statement on a dead one it may be unknown whether it was stored.
const IDLE: Duration = Duration::from_secs(1);

/// Makes a pool as SeaORM does, for another login. It connects on first use.
///
/// The URL of SeaORM's options cannot be changed, and a lazy pool with `min_connections` connects
/// at once. So this first makes a lazy pool without any, only to read from it what SeaORM makes of
/// the options.
pub(super) async fn pool(
    options: &ConnectOptions,
    login: &Login,
    max_connections: Option<u32>,
    contexts: &[SettingName],
) -> Result<PgPool, RlsError> {
    let url = options.get_url();

    // `DbBackend::is_prefix_of` panics if the text is no URL.
    let scheme = url.split(':').next().unwrap_or_default();
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err(RlsError::Backend {
            backend: scheme.to_owned(),
        });
    }

    let idle = options
        .get_test_before_acquire_if_idle_for()
        .unwrap_or(IDLE);
    let mut template = options.clone();
    template
        .connect_lazy(true)
        .min_connections(0)
        .test_before_acquire_if_idle_for(idle);

    let template = Database::connect(template)
        .await
        .map_err(|error| hide_url(error, url))?;
    let template = template.get_postgres_connection_pool();

    let mut connect = template.connect_options().as_ref().clone();
    if let Some(setting) = connect
        .get_options()
        .and_then(|set| context_in(set, contexts))
    {
        return Err(ConfigError::ContextInOptions { setting }.into());
    }

    if connect.get_username() != login.role.as_str() {
        connect = connect.username(login.role.as_str());

        // Another role's password must not be sent to the server as this role's.
        connect = connect.password(
            login
                .password
                .as_ref()
                .map_or("", |password| password.expose()),
        );
    } else if let Some(password) = &login.password {
        connect = connect.password(password.expose());
    }

    let mut pool = template.options().clone();
    if let Some(max) = max_connections {
        let max = options
            .get_max_connections()
            .map_or(max, |configured| configured.min(max));
        pool = pool.max_connections(max);
    }

    if let Some(min) = options.get_min_connections() {
        let max = pool.get_max_connections();
        pool = pool.min_connections(min.min(max));
    }

    Ok(pool.connect_lazy_with(connect))
}

/// The setting of a context that the server's options set, as `-c app.user_id=7` or
/// `--app.user-id=7`. It would hold for each session, and outlive `DISCARD ALL`.
fn context_in(options: &str, contexts: &[SettingName]) -> Option<String> {
    options
        .replace('\\', "")
        .split_whitespace()
        .map(|word| word.trim_start_matches("--").trim_start_matches("-c"))
        .filter_map(|word| word.split('=').next())
        .map(|name| name.replace('-', "_").to_ascii_lowercase())
        .find(|name| {
            name.starts_with("rls.") || contexts.iter().any(|context| context.as_str() == *name)
        })
}

/// SeaORM's error for a malformed URL contains the URL, with its password.
fn hide_url(error: DbErr, url: &str) -> RlsError {
    if error.to_string().contains(url) {
        let scheme = url.split(':').next().unwrap_or_default();
        let hidden = format!("the connection string `{scheme}:…` cannot be parsed");
        return DbErr::Conn(RuntimeErr::Internal(hidden)).into();
    }

    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_set_a_context_are_found_in_either_spelling() {
        let contexts = [SettingName::new("app.user_id").unwrap()];
        for options in [
            "-c app.user_id=7",
            "-c geqo=off -c app.user-id=7",
            "-capp.User_Id=7",
            "--app.user-id=7",
            "-c rls.actor=x",
            r"-c app.user\_id=7",
        ] {
            assert!(context_in(options, &contexts).is_some(), "{options}");
        }

        for options in ["", "-c geqo=off", "--statement-timeout=7 -c app.other=1"] {
            assert_eq!(context_in(options, &contexts), None, "{options}");
        }
    }
}
