//! Signed contexts: how far they are asked for, and the keys that sign them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::debug::debug_is_display;

/// How long the identifier of a key is.
pub(crate) const ID: usize = 8;

/// How many bytes a key has.
const BYTES: usize = 32;

/// How far contexts are signed. To go from one end to the other with no request refused, deploy the
/// steps between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignedContexts {
    /// Contexts are not signed.
    #[default]
    Off,
    /// Each statement carries a signed context. Policies do not read it yet, so that programs which
    /// sign nothing still work.
    Sent,
    /// Policies read the signed context alone.
    Required,
}

/// A key that signs contexts, with an identifier. `Debug` shows the identifier alone.
///
/// Its text is `id:key`: an identifier of 8 lower-case letters and digits, and 32 bytes in base64.
/// `rls keys rotate` makes one and prints it.
///
/// ```
/// use rls_core::SigningKey;
///
/// let key: SigningKey = "k2026a01:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse()?;
/// assert_eq!(key.id(), "k2026a01");
/// assert_eq!(format!("{key:?}"), "SigningKey(k2026a01)");
/// # Ok::<(), rls_core::SigningKeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    id: String,
    bytes: [u8; BYTES],
}

/// The text of a signing key has another form.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the signing key is not of the form `id:key`, with an identifier of 8 lower-case letters and \
     digits and 32 bytes in base64: take it as `rls keys rotate` printed it"
)]
pub struct SigningKeyError;

debug_is_display!(SigningKeyError);

impl SigningKey {
    /// Makes a key of random bytes with a random identifier.
    #[must_use]
    pub fn random() -> Self {
        const DIGITS: &[u8] = b"0123456789abcdefghijkmnpqrstuvwxyz";

        let digits: [u8; ID] = rand::random();
        let id = digits.map(|digit| char::from(DIGITS[usize::from(digit) % DIGITS.len()]));

        Self {
            id: id.iter().collect(),
            bytes: rand::random(),
        }
    }

    /// The identifier, which is no secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text that [`SigningKey::from_str`] reads. It holds the secret.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("{}:{}", self.id, BASE64.encode(self.bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The inner and the outer padded key of HMAC (RFC 2104), for the server, which has SHA-256 and
    /// no HMAC.
    pub(crate) fn pads(&self) -> [Vec<u8>; 2] {
        const BLOCK: usize = 64;

        [0x36, 0x5c].map(|pad| {
            let mut block = vec![pad; BLOCK];
            for (byte, key) in block.iter_mut().zip(self.bytes) {
                *byte ^= key;
            }

            block
        })
    }
}

impl FromStr for SigningKey {
    type Err = SigningKeyError;

    fn from_str(text: &str) -> Result<Self, SigningKeyError> {
        let (id, key) = text.trim().split_once(':').ok_or(SigningKeyError)?;
        let is_id = id.len() == ID
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bytes = BASE64.decode(key).map_err(|_| SigningKeyError)?;
        let bytes = bytes.try_into().map_err(|_| SigningKeyError)?;

        if is_id {
            let id = id.to_owned();
            Ok(Self { id, bytes })
        } else {
            Err(SigningKeyError)
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

/// Where the key comes from that signs a context now. It is asked for each statement: return a key
/// that is kept, and replace it when it is rotated.
///
/// A closure that returns a key is one, and so is a key that never changes.
pub trait SigningKeys: Send + Sync + 'static {
    /// The key to sign with.
    fn current(&self) -> SigningKey;
}

impl SigningKeys for SigningKey {
    fn current(&self) -> SigningKey {
        self.clone()
    }
}

impl<F: Fn() -> SigningKey + Send + Sync + 'static> SigningKeys for F {
    fn current(&self) -> SigningKey {
        self()
    }
}

/// The keys of a configuration, compared as one object.
#[derive(Clone)]
pub(crate) struct KeySource(pub(super) Arc<dyn SigningKeys>);

impl KeySource {
    pub(crate) fn current(&self) -> SigningKey {
        self.0.current()
    }
}

impl PartialEq for KeySource {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for KeySource {}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_read_as_it_is_written() {
        let key = SigningKey::random();
        assert_eq!(key.expose().parse(), Ok(key.clone()));

        for wrong in ["", "k1:", "short:AAAA", &key.expose().to_uppercase()] {
            assert_eq!(wrong.parse::<SigningKey>(), Err(SigningKeyError), "{wrong}");
        }

        assert!(!format!("{key:?}").contains(&key.expose()[ID + 1..]));
    }
}
