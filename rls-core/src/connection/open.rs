//! Makes the pools, each of which logs in as one role, from SeaORM's options.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DbErr, RuntimeErr};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};
use tokio::time::timeout;

use crate::config::{ConfigError, Login, RlsConfig, Secret};
use crate::error::RlsError;
use crate::name::SettingName;
use crate::request::at_login::AtLogin;
use crate::request::borrowed::{Borrowed, acquire_error};
use crate::request::hosts::Hosts;
use crate::request::sessions::Sessions;

/// How long a connection may be idle before the next statement first asks whether it is alive. Of a
/// statement on a dead one it may be unknown whether it was stored.
const IDLE: Duration = Duration::from_secs(1);

/// The most connections that administrators share; the options may allow fewer.
const ADMIN_CONNECTIONS: u32 = 2;

/// How long `connect` waits before it asks why there is no connection.
const REACHED: Duration = Duration::from_secs(3);

/// Makes the application's pool, as SeaORM does. It connects on first use, or in `after_connect`.
pub(super) async fn app(
    options: &ConnectOptions,
    config: &RlsConfig,
    contexts: &[SettingName],
) -> Result<Sessions, RlsError> {
    let (connect, _) = logged_in_as(config.app(), config, options, contexts).await?;
    let at_login = at_login(options, &connect, config)?;
    let connect = match &at_login {
        Some(at_login) => at_login.decide().await.map_err(acquire_error)?,
        None => connect,
    };

    let mut options = prepared(options);
    options.map_sqlx_postgres_opts(move |_| connect.clone());

    Ok(Sessions::new(made(options).await?, at_login))
}

/// What is decided at each login, if anything is.
fn at_login(
    options: &ConnectOptions,
    connect: &PgConnectOptions,
    config: &RlsConfig,
) -> Result<Option<AtLogin>, ConfigError> {
    let hosts = Hosts::read(options.get_url(), connect)?;
    let passwords = config.passwords().cloned();
    Ok(AtLogin::new(connect.clone(), hosts, passwords))
}

/// Makes the administrator's pool, without `after_connect`. It connects on first use.
pub(super) async fn admin(
    options: &ConnectOptions,
    config: &RlsConfig,
    contexts: &[SettingName],
) -> Result<Sessions, RlsError> {
    let (connect, pool) = logged_in_as(config.admin(), config, options, contexts).await?;
    let at_login = at_login(options, &connect, config)?;
    let most = pool.get_max_connections().min(ADMIN_CONNECTIONS);
    let least = options.get_min_connections().unwrap_or_default();

    let pool = pool
        .max_connections(most)
        .min_connections(least.min(most))
        .connect_lazy_with(connect);

    Ok(Sessions::new(pool, at_login))
}

/// Takes the first connection. If none comes in a few seconds, asks why: while the server refuses,
/// sqlx's pool tries again until `acquire_timeout`, and then tells only that.
///
/// # Errors
///
/// [`RlsError::Unreachable`] if nothing listens.
pub(super) async fn first(sessions: &Sessions) -> Result<Borrowed, RlsError> {
    let pool = sessions.pg();
    let mut acquiring = pin!(Borrowed::from_pool(sessions));
    let acquired = if let Ok(acquired) = timeout(REACHED, &mut acquiring).await {
        acquired
    } else {
        refused(pool).await?;
        acquiring.await
    };

    match acquired {
        Err(sqlx::Error::Io(error)) => Err(unreachable(pool, error)),
        Err(sqlx::Error::PoolTimedOut) => {
            refused(pool).await?;
            Err(acquire_error(sqlx::Error::PoolTimedOut).into())
        }
        acquired => acquired.map_err(|error| acquire_error(error).into()),
    }
}

/// Tries once more, for the reason.
async fn refused(pool: &PgPool) -> Result<(), RlsError> {
    let options = pool.connect_options();
    match timeout(REACHED, options.connect()).await {
        Ok(Err(sqlx::Error::Io(error))) => Err(unreachable(pool, error)),
        _ => Ok(()),
    }
}

fn unreachable(pool: &PgPool, error: io::Error) -> RlsError {
    let options = pool.connect_options();
    let port = options.get_port();
    let address = match options.get_socket() {
        Some(socket) => format!("{}, port {port}", socket.display()),
        None => format!("{}:{port}", options.get_host()),
    };

    RlsError::Unreachable {
        address,
        source: Arc::new(error),
    }
}

/// What SeaORM makes of the URL and the options, for another login.
///
/// The URL of SeaORM's options cannot be changed. So SeaORM first makes a pool that never connects,
/// only to have it read.
async fn logged_in_as(
    login: &Login,
    config: &RlsConfig,
    options: &ConnectOptions,
    contexts: &[SettingName],
) -> Result<(PgConnectOptions, PgPoolOptions), RlsError> {
    let url = options.get_url();

    // `DbBackend::is_prefix_of` panics if the text is no URL.
    let scheme = url.split(':').next().unwrap_or_default();
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err(RlsError::Backend {
            backend: scheme.to_owned(),
        });
    }

    Hosts::check(url)?;

    let mut template = prepared(options);
    template
        .min_connections(0)
        .after_connect(|_| Box::pin(async { Ok(()) }));

    let template = made(template).await?;
    let connect = template.connect_options().as_ref().clone();
    if let Some(setting) = connect
        .get_options()
        .and_then(|set| context_in(set, contexts))
    {
        return Err(ConfigError::ContextInOptions { setting }.into());
    }

    let connect = for_login(login, config, connect);
    Ok((connect, template.options().clone()))
}

/// The options with the name and the password of a login. All others stay.
fn for_login(login: &Login, config: &RlsConfig, connect: PgConnectOptions) -> PgConnectOptions {
    let name = config.login_name(login);
    let password = login.password.as_ref().map(Secret::expose);
    if connect.get_username() != name {
        // Another role's password must not be sent to the server as this role's.
        return connect.username(&name).password(password.unwrap_or(""));
    }

    match password {
        Some(password) => connect.password(password),
        None => connect,
    }
}

/// The options, for a pool that connects on first use.
fn prepared(options: &ConnectOptions) -> ConnectOptions {
    let idle = options
        .get_test_before_acquire_if_idle_for()
        .unwrap_or(IDLE);

    let mut options = options.clone();
    options
        .connect_lazy(true)
        .test_before_acquire_if_idle_for(idle);

    options
}

async fn made(options: ConnectOptions) -> Result<PgPool, RlsError> {
    let url = options.get_url().to_owned();
    let made = Database::connect(options)
        .await
        .map_err(|error| hide_url(error, &url))?;

    Ok(made.get_postgres_connection_pool().clone())
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
    fn encryption_of_the_url_holds_for_both_logins() {
        let url = "postgres://me:x@db.example.org/app?sslmode=verify-full&sslrootcert=/etc/ca.pem";
        let config = RlsConfig::new();

        for login in [config.app(), config.admin()] {
            let connect = for_login(login, &config, url.parse().unwrap());
            let url = connect.to_url_lossy();
            assert_eq!(url.username(), login.role.as_str());
            assert_eq!(url.password(), None, "another login's");

            let given = |name| url.query_pairs().find(|(key, _)| key == name).unwrap().1;
            assert_eq!(given("sslmode"), "verify-full");
            assert!(given("sslrootcert").contains("/etc/ca.pem"), "{url}");
        }
    }

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
