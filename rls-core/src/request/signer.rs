//! Signs contexts, so that the server can tell those of this program from those that injected SQL
//! sets.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::KeySource;
use crate::model::context::Settings;
use crate::model::signed_context::{ID, MAC, UNTIL};

/// Signs the contexts of one login.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    keys: KeySource,
    login: String,
    lifetime: Duration,
}

impl Signer {
    pub(crate) fn new(keys: KeySource, login: String, lifetime: Duration) -> Self {
        Self {
            keys,
            login,
            lifetime,
        }
    }
}

/// A context that is signed each time it is sent.
#[derive(Clone)]
pub(crate) struct SignedContext {
    signer: Arc<Signer>,
    /// The settings as a JSON object.
    settings: Arc<str>,
}

impl SignedContext {
    pub(crate) fn new(signer: &Arc<Signer>, settings: &Settings) -> Self {
        Self {
            signer: Arc::clone(signer),
            settings: settings.json().into(),
        }
    }

    /// How long the text is.
    pub(crate) fn len(&self) -> usize {
        MAC + ID + UNTIL + self.settings.len()
    }

    /// The text, signed by the current key. It holds from now on for the lifetime.
    pub(crate) fn sign(&self) -> String {
        self.sign_until(SystemTime::now() + self.signer.lifetime)
    }

    fn sign_until(&self, until: SystemTime) -> String {
        let key = self.signer.keys.current();
        let until = until
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let signed = format!("{}{until:0UNTIL$}{}", key.id(), self.settings);

        let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(signed.as_bytes());
        mac.update(self.signer.login.as_bytes());

        let mut text = String::with_capacity(self.len());
        for byte in mac.finalize().into_bytes() {
            for digit in [byte >> 4, byte & 0xf] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
            }
        }

        text.push_str(&signed);
        text
    }
}

/// The settings are not shown.
impl fmt::Debug for SignedContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedContext(***)")
    }
}
