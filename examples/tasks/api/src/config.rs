//! What the environment says, beside the `RLS_…` variables of `RlsConfig`.

use std::env;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// A key that is shorter can be guessed: HMAC-SHA-256 wants one as long as what it makes (RFC 7518,
/// 3.2).
const SHORTEST_SECRET: usize = 32;

/// | variable | unset |
/// |---|---|
/// | `DATABASE_URL` | a PostgreSQL of the service's own, gone with it, and users to try it with |
/// | `JWT_SECRET`, 32 bytes or more | an error; with a database of its own, a new one |
/// | `LISTEN` | `127.0.0.1:8000`; with a database of its own, another port if that is taken |
/// | `WORKER_SECONDS` | 60 |
/// | `FIRST_USER`, `FIRST_USER_PASSWORD` | no user is added |
/// | `FIRST_SUPERUSER`, `FIRST_SUPERUSER_PASSWORD` | no superuser is added |
#[derive(Debug)]
pub struct Config {
    pub database: Option<String>,
    pub secret: Option<Secret>,
    pub listen: Option<SocketAddr>,
    pub worker: Duration,
    pub first_user: Option<Login>,
    pub first_superuser: Option<Login>,
}

/// A text that `Debug` does not show.
#[derive(Clone)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[derive(Clone, Debug)]
pub struct Login {
    pub email: String,
    pub password: Secret,
}

#[derive(Debug, thiserror::Error)]
#[error("{variable} is wrong: {expected}")]
pub struct ConfigError {
    variable: &'static str,
    expected: &'static str,
}

impl Config {
    pub fn from_env() -> Result<Self, ConfigError> {
        let secret = read("JWT_SECRET")?;
        if secret
            .as_ref()
            .is_some_and(|secret| secret.len() < SHORTEST_SECRET)
        {
            return Err(ConfigError {
                variable: "JWT_SECRET",
                expected: "it needs 32 bytes or more",
            });
        }

        let seconds =
            parsed("WORKER_SECONDS", "it is a number of seconds, 1 or more")?.unwrap_or(60);
        if seconds == 0 {
            return Err(ConfigError {
                variable: "WORKER_SECONDS",
                expected: "it is 1 or more",
            });
        }

        Ok(Self {
            database: read("DATABASE_URL")?,
            secret: secret.map(Secret),
            listen: parsed(
                "LISTEN",
                "it is an address and a port, such as `127.0.0.1:8000`",
            )?,
            worker: Duration::from_secs(seconds),
            first_user: login("FIRST_USER", "FIRST_USER_PASSWORD")?,
            first_superuser: login("FIRST_SUPERUSER", "FIRST_SUPERUSER_PASSWORD")?,
        })
    }
}

fn read(variable: &'static str) -> Result<Option<String>, ConfigError> {
    match env::var(variable) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(ConfigError {
            variable,
            expected: "it is no text",
        }),
    }
}

fn parsed<T: FromStr>(
    variable: &'static str,
    expected: &'static str,
) -> Result<Option<T>, ConfigError> {
    read(variable)?
        .map(|value| {
            value
                .parse()
                .map_err(|_| ConfigError { variable, expected })
        })
        .transpose()
}

fn login(email: &'static str, password: &'static str) -> Result<Option<Login>, ConfigError> {
    match (read(email)?, read(password)?) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(ConfigError {
            variable: password,
            expected: "a user without a password cannot log in",
        }),
        (Some(email), Some(password)) => Ok(Some(Login {
            email,
            password: Secret(password),
        })),
    }
}
