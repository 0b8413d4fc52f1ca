//! Contexts that someone could send, made by the form that the manual gives, and not by the library.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sea_orm_rls::signing::{SigningKey, SigningKeys};
use sha2::Sha256;
use uuid::Uuid;

use crate::fixture::Fixture;

/// Ann's own context, and what an attacker could put in its place.
pub struct Tokens {
    pub ann: String,
    pub forged: Forged,
}

pub struct Forged {
    /// For Bob, signed by a key that the server does not know.
    pub forged: String,
    /// Ann's, with Bob's key in it.
    pub altered: String,
    /// Bob's, past its time.
    pub expired: String,
    /// Bob's, for another login.
    pub replayed: String,
}

impl Tokens {
    pub fn of(fixture: &Fixture, signed: bool) -> Self {
        let key = if signed {
            fixture.key.clone().unwrap()
        } else {
            SigningKey::random()
        };
        let login = fixture.config.app_role().as_str();
        let soon = SystemTime::now() + Duration::from_mins(10);
        let past = SystemTime::now() - Duration::from_secs(5);
        let ann = token(&key, login, soon, fixture.ann);

        Self {
            forged: Forged {
                forged: token(&stranger(&key), login, soon, fixture.bob),
                altered: ann.replace(&fixture.ann.to_string(), &fixture.bob.to_string()),
                expired: token(&key, login, past, fixture.bob),
                replayed: token(&key, "another_login", soon, fixture.bob),
            },
            ann,
        }
    }
}

/// A key that the server does not know, with the identifier of one that it knows.
pub fn stranger(key: &SigningKey) -> SigningKey {
    let secret = SigningKey::random().expose();
    let (_, bytes) = secret.split_once(':').unwrap();
    format!("{}:{bytes}", key.current().id()).parse().unwrap()
}

pub fn token(key: &SigningKey, login: &str, until: SystemTime, user: Uuid) -> String {
    use base64::Engine as _;

    let until = until.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let exposed = key.expose();
    let (id, secret) = exposed.split_once(':').unwrap();
    let secret = base64::engine::general_purpose::STANDARD
        .decode(secret)
        .unwrap();
    let signed = format!("{id}{until:012}{{\"app.user_id\":\"{user}\"}}");

    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
    mac.update(signed.as_bytes());
    mac.update(login.as_bytes());
    let mac = mac.finalize().into_bytes();
    let digits = mac.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    digits.chain(signed.chars()).collect()
}
