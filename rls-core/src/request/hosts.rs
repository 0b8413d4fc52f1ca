//! Several servers in one URL, and which of them a connection is for, as libpq has both.
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS>

use std::fmt;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx_core::Url;
use sqlx_core::percent_encoding::percent_decode_str;

use crate::config::ConfigError;

/// libpq's port for a host that is named without one.
const PORT: u16 = 5432;

/// `target_session_attrs` of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetSession {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

const WORDS: [(&str, TargetSession); 6] = [
    ("any", TargetSession::Any),
    ("read-write", TargetSession::ReadWrite),
    ("read-only", TargetSession::ReadOnly),
    ("primary", TargetSession::Primary),
    ("standby", TargetSession::Standby),
    ("prefer-standby", TargetSession::PreferStandby),
];

impl TargetSession {
    /// Whether a server in this state is one.
    pub(crate) fn fits(self, state: ServerState) -> bool {
        match self {
            Self::Any => true,
            Self::ReadWrite => !state.read_only,
            Self::ReadOnly => state.read_only,
            Self::Primary => !state.standby,
            Self::Standby | Self::PreferStandby => state.standby,
        }
    }

    /// Whether a server that refuses writes is never one.
    fn writes(self) -> bool {
        matches!(self, Self::ReadWrite | Self::Primary)
    }
}

impl FromStr for TargetSession {
    type Err = ConfigError;

    fn from_str(word: &str) -> Result<Self, ConfigError> {
        let found = WORDS.iter().find(|(known, _)| *known == word);
        found
            .map(|(_, target)| *target)
            .ok_or_else(|| ConfigError::Hosts {
                reason: format!(
                    "`target_session_attrs` is {word:?}: write `any`, `read-write`, `read-only`, \
                     `primary`, `standby` or `prefer-standby`"
                ),
            })
    }
}

impl fmt::Display for TargetSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS.iter().find(|(_, target)| target == self);
        f.write_str(word.map_or("", |(word, _)| word))
    }
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServerState {
    /// Whether it recovers.
    pub(crate) standby: bool,
    /// Whether its transactions only read, unless they say otherwise.
    pub(crate) read_only: bool,
}

impl fmt::Display for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.standby, self.read_only) {
            (true, _) => "it is a standby",
            (false, true) => "it is a primary that only reads",
            (false, false) => "it is a primary that writes",
        })
    }
}

/// The servers of a URL, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hosts {
    servers: Vec<(String, u16)>,
    pub(crate) target: TargetSession,
}

impl Hosts {
    /// Reads the servers of a URL from what sqlx made of it, which takes the list for one host.
    /// `None` for one server that may be any.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Hosts`].
    pub(crate) fn read(url: &str, connect: &PgConnectOptions) -> Result<Option<Self>, ConfigError> {
        let Ok(url) = Url::parse(url) else {
            return Ok(None);
        };
        let given = |name| url.query_pairs().filter(|(key, _)| key == name).last();
        let target = match given("target_session_attrs") {
            Some((_, word)) => word.parse()?,
            None => TargetSession::Any,
        };

        let list = match connect.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => percent_decode_str(connect.get_host())
                .decode_utf8_lossy()
                .into_owned(),
        };
        let count = list.split(',').count();
        if count == 1 && target == TargetSession::Any {
            return Ok(None);
        }

        // A port after a list is that of its last host.
        let of_last = count > 1 && url.port().is_some() && given("port").is_none();
        let servers = list.split(',').enumerate().map(|(at, server)| {
            let (host, port) = host_and_port(server)?;
            let is_socket = connect.get_socket().is_some();
            if host.is_empty() || is_socket != host.starts_with('/') {
                return Err(wrong(
                    "name hosts alone, or folders of sockets alone, with a comma between two",
                ));
            }

            let other = if of_last && at + 1 < count {
                PORT
            } else {
                connect.get_port()
            };
            Ok((host, port.unwrap_or(other)))
        });

        Ok(Some(Self {
            servers: servers.collect::<Result<_, _>>()?,
            target,
        }))
    }

    /// Refuses a list that no URL can be: SeaORM reads one port, after all hosts.
    pub(crate) fn check(url: &str) -> Result<(), ConfigError> {
        let authority = url.split("://").nth(1).unwrap_or_default();
        let authority = authority.split(['/', '?']).next().unwrap_or_default();
        let hosts = authority.rsplit('@').next().unwrap_or_default();

        if hosts.contains(',') && Url::parse(url).is_err() {
            let encoded: Vec<_> = hosts
                .split(',')
                .map(|host| host.replace(':', "%3A"))
                .collect();
            return Err(ConfigError::Hosts {
                reason: format!(
                    "SeaORM reads one port in a URL, after all hosts: write the hosts as `{}`",
                    encoded.join(",")
                ),
            });
        }

        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.servers.len()
    }

    /// The options for one of the servers, of those for all.
    pub(crate) fn options(&self, at: usize, all: &PgConnectOptions) -> PgConnectOptions {
        let (host, port) = &self.servers[at];
        let options = all.clone().port(*port);
        if all.get_socket().is_some() {
            options.socket(host)
        } else {
            options.host(host)
        }
    }

    /// One of the servers, for an error.
    pub(crate) fn name(&self, at: usize) -> String {
        let (host, port) = &self.servers[at];
        format!("{host}:{port}")
    }

    /// Whether a server that refuses writes is never one.
    pub(crate) fn writes(&self) -> bool {
        self.target.writes()
    }
}

fn wrong(reason: &str) -> ConfigError {
    ConfigError::Hosts {
        reason: reason.to_owned(),
    }
}

/// A host and its own port. An IPv6 address that has one stands in brackets.
fn host_and_port(server: &str) -> Result<(String, Option<u16>), ConfigError> {
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
        _ => (server, None),
    };
    let port = port.map(|port| {
        port.parse()
            .map_err(|_| wrong("the port of a host is no number below 65536"))
    });

    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok((host.to_owned(), port.transpose()?))
}

#[cfg(test)]
mod tests;
