//! A session of `psql` under a context.

use std::fmt;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sqlx::ConnectOptions as _;

use super::Why;
use super::ask::settings;
use super::error::WhyError;
use crate::config::SignedContexts;
use crate::model::context::RlsContext;
use crate::model::signed_context;
use crate::request::signer::{SignedContext, Signer};

/// How long the signed context of a session holds. It is signed once.
const HOLDS: Duration = Duration::from_hours(1);

/// What a program on libpq needs to log in as the application's role, in a session that has a
/// context from its start. The environment holds a password and the context: give it to one process,
/// and print it nowhere.
#[derive(Clone)]
pub struct PsqlSession {
    environment: Vec<(&'static str, String)>,
    signed_for: Option<Duration>,
}

impl PsqlSession {
    /// The variables of libpq's, with their values.
    pub fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let variables = self.environment.iter();
        variables.map(|(name, value)| (*name, value.as_str()))
    }

    /// How long the context holds, if it is signed; otherwise it holds as long as the session.
    #[must_use]
    pub fn signed_for(&self) -> Option<Duration> {
        self.signed_for
    }
}

impl fmt::Debug for PsqlSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PsqlSession")
            .field("signed_for", &self.signed_for)
            .finish_non_exhaustive()
    }
}

impl Why {
    /// Returns what opens a session of `psql` as the application's login in `context`. The policies
    /// hold in it, and it begins with the context, which ends with it.
    ///
    /// Statements sent: one, in the context, whose record says who opens the session, and for whom.
    /// What is then done in the session is not recorded.
    ///
    /// # Errors
    ///
    /// [`WhyError::Rls`] if the context cannot be sent, or the record not be written.
    pub async fn psql(&self, context: impl RlsContext) -> Result<PsqlSession, WhyError> {
        let context = settings(&context)?;
        let scope = self.db.admin_as_user(self.admin.clone(), context.clone());
        let nothing = Statement::from_string(DbBackend::Postgres, "SELECT");
        scope.execute_raw(nothing).await?;

        let pool = self.db.pool().connect_options();
        let url = pool.to_url_lossy();
        let given = |name: &str| {
            let mut pairs = url.query_pairs();
            let found = pairs.find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };

        let mut set: Vec<(String, String)> = context
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_owned()))
            .collect();
        let config = self.db.config();
        let keys = config
            .keys()
            .filter(|_| config.signs_contexts() > SignedContexts::Off);
        if let Some(keys) = keys {
            let signer = Signer::new(keys.clone(), config.app_role().to_string(), HOLDS);
            let context = SignedContext::new(&signer.into(), &context).sign();
            set.push((signed_context::SETTING.to_owned(), context));
        }

        let options = pool.get_options().unwrap_or_default();
        let options = set
            .iter()
            .fold(options.to_owned(), |options, (name, value)| {
                format!("{options} -c {name}={}", escaped(value))
            });
        let host = match pool.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => pool.get_host().to_owned(),
        };

        let mut environment = vec![
            ("PGHOST", host),
            ("PGPORT", pool.get_port().to_string()),
            ("PGUSER", pool.get_username().to_owned()),
            ("PGOPTIONS", options.trim().to_owned()),
        ];
        let more = [
            ("PGDATABASE", pool.get_database().map(str::to_owned)),
            ("PGPASSWORD", url.password().map(decoded)),
            ("PGSSLMODE", given("sslmode")),
            ("PGSSLROOTCERT", given("sslrootcert")),
        ];
        let more = more.into_iter();
        environment.extend(more.filter_map(|(name, value)| Some((name, value?))));

        Ok(PsqlSession {
            environment,
            signed_for: keys.map(|_| HOLDS),
        })
    }
}

/// A value in `PGOPTIONS`: the server splits words at white space without a backslash before it
/// (`pg_split_opts` in `src/backend/utils/init/postinit.c`).
fn escaped(value: &str) -> String {
    let escape = |character: char| {
        let special = character.is_ascii_whitespace() || character == '\x0b' || character == '\\';
        let backslash = special.then_some('\\');
        backslash.into_iter().chain([character])
    };
    value.chars().flat_map(escape).collect()
}

/// The password of a URL, in which every other character may stand as `%XX`.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, more @ ..] = rest {
        let digits = more.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        if let (b'%', Some(byte)) = (first, byte) {
            bytes.push(byte);
            rest = &more[2..];
        } else {
            bytes.push(*first);
            rest = more;
        }
    }

    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_its_option() {
        assert_eq!(escaped(r"a b\c -c x.y=1"), r"a\ b\\c\ -c\ x.y=1");
        assert_eq!(decoded("a%20b%25%zz"), "a b%%zz");
    }
}
