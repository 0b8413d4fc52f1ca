//! Tokens that say who asks: JWT, signed with HMAC-SHA-256, and no other algorithm.

mod hs256;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a login lasts.
pub const LIFETIME: Duration = Duration::from_secs(60 * 60);

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    /// Seconds since 1970.
    exp: u64,
}

/// Makes and checks tokens; `Debug` does not show the key.
#[derive(Clone)]
pub struct Tokens {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
}

impl Tokens {
    pub fn new(secret: &[u8]) -> Self {
        hs256::install();

        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;

        Self {
            sign: EncodingKey::from_secret(secret),
            verify: DecodingKey::from_secret(secret),
            validation,
        }
    }

    /// A token for a user, from now on.
    pub fn issue(&self, user: Uuid) -> Result<String, jsonwebtoken::errors::Error> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let claims = Claims {
            sub: user,
            exp: (now + LIFETIME).as_secs(),
        };

        encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
    }

    /// The user of a token that is ours and has not expired.
    pub fn user(&self, token: &str) -> Option<Uuid> {
        decode::<Claims>(token, &self.verify, &self.validation)
            .ok()
            .map(|token| token.claims.sub)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}
