//! Passwords as PostgreSQL stores them, made here so that no password travels in SQL text or into a
//! log.
//!
//! `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`
//! (<https://www.postgresql.org/docs/current/catalog-pg-authid.html>, RFC 5802, RFC 7677).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// PostgreSQL's own default (`SCRAM_SHA_256_DEFAULT_ITERATIONS`).
const ITERATIONS: u32 = 4096;

/// A fresh verifier of a password, with a random salt.
pub(crate) fn verifier(password: &str) -> String {
    let salt: [u8; 16] = rand::random();
    with_salt(password, &salt, ITERATIONS)
}

/// Whether a stored verifier is of this password. A hash of MD5 never is, so that it is replaced.
pub(crate) fn verifies(stored: &str, password: &str) -> bool {
    let parts = stored.strip_prefix("SCRAM-SHA-256$").and_then(|rest| {
        let (head, _) = rest.split_once('$')?;
        let (iterations, salt) = head.split_once(':')?;
        Some((iterations.parse().ok()?, BASE64.decode(salt).ok()?))
    });
    parts.is_some_and(|(iterations, salt)| with_salt(password, &salt, iterations) == stored)
}

fn with_salt(password: &str, salt: &[u8], iterations: u32) -> String {
    // A password that SASLprep refuses is taken as it stands, as the server does
    // (`pg_be_scram_build_secret`).
    let prepared = stringprep::saslprep(password).unwrap_or(password.into());
    let salted = salted_password(prepared.as_bytes(), salt, iterations);
    let stored_key = Sha256::digest(hmac(&salted, b"Client Key"));
    let server_key = hmac(&salted, b"Server Key");

    format!(
        "SCRAM-SHA-256${iterations}:{}${}:{}",
        BASE64.encode(salt),
        BASE64.encode(stored_key),
        BASE64.encode(server_key)
    )
}

/// `Hi` of RFC 5802: PBKDF2 with HMAC-SHA-256 for one block.
fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    // Keyed once: to key costs as much as a round.
    let keyed = keyed(password);
    let mut block = finish(keyed.clone(), &[salt, &1_u32.to_be_bytes()].concat());
    let mut result = block;

    for _ in 1..iterations {
        block = finish(keyed.clone(), &block);
        result
            .iter_mut()
            .zip(block)
            .for_each(|(byte, other)| *byte ^= other);
    }

    result
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    finish(keyed(key), message)
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

fn finish(mut mac: Hmac<Sha256>, message: &[u8]) -> [u8; 32] {
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677 section 3: user "user", password "pencil".
    #[test]
    fn keys_are_those_of_the_rfc() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        assert_eq!(
            with_salt("pencil", &salt, 4096),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==\
             $WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn a_verifier_is_of_its_password_only() {
        let stored = verifier("pass wörd");
        assert!(verifies(&stored, "pass wörd"));
        assert!(!verifies(&stored, "other"));
        assert!(!verifies("md5abc", "other"));
    }
}
