//! Where a server listens, and the URLs that lead there.

use std::net::SocketAddr;
use std::path::Path;
#[cfg(feature = "proxy")]
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
#[cfg(feature = "proxy")]
use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::Error;
#[cfg(feature = "proxy")]
use crate::proxy::Upstream;

const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const PATH: &AsciiSet = &NAME.remove(b'/');

/// A server and a login on it, as a URL.
#[derive(Clone, Debug)]
pub(crate) struct Address(Url);

impl Address {
    /// A server's socket. The port is part of the socket's name, and is given so that `PGPORT` has
    /// no say.
    pub(crate) fn socket(folder: &Path, port: u16) -> Self {
        let folder = utf8_percent_encode(&folder.to_string_lossy(), PATH).to_string();
        Self::valid(&format!(
            "postgres://postgres@localhost:{port}/postgres?host={folder}&sslmode=disable"
        ))
    }

    /// A server's port on the loopback.
    pub(crate) fn loopback(port: u16, password: &str) -> Self {
        let password = utf8_percent_encode(password, NAME);
        Self::valid(&format!(
            "postgres://postgres:{password}@127.0.0.1:{port}/postgres?sslmode=disable"
        ))
    }

    fn valid(url: &str) -> Self {
        Self(Url::parse(url).expect("all parts are encoded"))
    }

    /// A server that somebody else runs. Login and database move out of the query, where they would
    /// take precedence.
    pub(crate) fn given(url: &str) -> Result<Self, Error> {
        let refused = |reason: &str| Error::DatabaseUrl {
            reason: reason.to_owned(),
        };
        let mut url = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(refused("its scheme is not postgres"));
        }

        if url.host_str().is_none_or(str::is_empty) {
            url.set_host(Some("localhost"))
                .map_err(|error| refused(&error.to_string()))?;
        }

        let mut address = Self(url.clone());
        for (key, value) in url.query_pairs() {
            match &*key {
                "user" => address.set_user(&value),
                "password" => address.set_password(&value),
                "dbname" => address.set_database(&value),
                _ => {}
            }
        }

        address.keep_parameters(|key| !matches!(key, "user" | "password" | "dbname"));
        Ok(address)
    }

    /// The URL as it stands.
    pub(crate) fn url(&self) -> String {
        self.0.to_string()
    }

    /// Where a proxy connects to, as sqlx reads the URL.
    #[cfg(feature = "proxy")]
    pub(crate) fn upstream(&self) -> Result<Upstream, Error> {
        let options =
            PgConnectOptions::from_str(self.0.as_str()).map_err(|error| Error::DatabaseUrl {
                reason: error.to_string(),
            })?;

        let port = options.get_port();

        Ok(match options.get_socket() {
            Some(folder) => Upstream::Unix(folder.join(format!(".s.PGSQL.{port}"))),
            None => Upstream::Tcp(options.get_host().to_owned(), port),
        })
    }

    /// The same server and login, another database.
    pub(crate) fn database(mut self, database: &str) -> Self {
        self.set_database(database);
        self
    }

    /// The same server and database, another login.
    pub(crate) fn login(mut self, user: &str, password: &str) -> Self {
        self.set_user(user);
        self.set_password(password);
        self
    }

    /// The same login and database, reached over TCP at another address.
    pub(crate) fn through(mut self, at: SocketAddr) -> Self {
        self.keep_parameters(|key| !matches!(key, "host" | "hostaddr" | "port"));
        self.0
            .set_ip_host(at.ip())
            .expect("a URL with a host takes an address");
        self.0
            .set_port(Some(at.port()))
            .expect("a URL with a host takes a port");

        self
    }

    fn set_database(&mut self, database: &str) {
        self.0
            .set_path(&utf8_percent_encode(database, NAME).to_string());
    }

    fn set_user(&mut self, user: &str) {
        let user = utf8_percent_encode(user, NAME).to_string();
        self.0
            .set_username(&user)
            .expect("a URL with a host takes a user");
    }

    fn set_password(&mut self, password: &str) {
        let password = utf8_percent_encode(password, NAME).to_string();
        let password = (!password.is_empty()).then_some(&*password);
        self.0
            .set_password(password)
            .expect("a URL with a host takes a password");
    }

    fn keep_parameters(&mut self, keep: impl Fn(&str) -> bool) {
        let kept: Vec<_> = self
            .0
            .query_pairs()
            .filter(|(key, _)| keep(key))
            .map(|(key, value)| {
                format!(
                    "{}={}",
                    utf8_percent_encode(&key, NAME),
                    utf8_percent_encode(&value, PATH)
                )
            })
            .collect();

        self.0
            .set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_address_is_read_back_by_sqlx() {
        let url = Address::socket(Path::new("/a b/c%d"), 5432)
            .database("one/two?%")
            .url();
        assert_eq!(
            url,
            "postgres://postgres@localhost:5432/one%2Ftwo%3F%25?host=/a%20b/c%25d&sslmode=disable"
        );

        let options = PgConnectOptions::from_str(&url).unwrap();
        assert_eq!(options.get_socket().unwrap(), Path::new("/a b/c%d"));
        assert_eq!(options.get_database(), Some("one/two?%"));
    }

    #[test]
    fn login_is_encoded() {
        let url = Address::loopback(1, "").login("a@b:c%", "p/w?#").url();
        assert_eq!(
            url,
            "postgres://a%40b%3Ac%25:p%2Fw%3F%23@127.0.0.1:1/postgres?sslmode=disable"
        );

        assert_eq!(
            PgConnectOptions::from_str(&url).unwrap().get_username(),
            "a@b:c%"
        );
    }

    #[test]
    fn given_login_in_the_query_is_replaced_with_another() {
        let given =
            Address::given("postgresql:///app?host=/run/x&user=me&password=old&connect_timeout=5")
                .unwrap();
        let url = given.login("you", "new").database("other").url();

        assert_eq!(
            url,
            "postgresql://you:new@localhost/other?host=/run/x&connect_timeout=5"
        );
    }

    #[test]
    fn address_leads_through_a_proxy() {
        let proxy = SocketAddr::from(([127, 0, 0, 1], 7000));
        let url = Address::socket(Path::new("/run/x"), 5432)
            .through(proxy)
            .url();

        assert_eq!(
            url,
            "postgres://postgres@127.0.0.1:7000/postgres?sslmode=disable"
        );
    }

    #[test]
    fn foreign_url_is_refused() {
        let error = Address::given("mysql://root:secret@host/db")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("scheme is not postgres") && !error.contains("secret"),
            "{error}"
        );
    }
}
