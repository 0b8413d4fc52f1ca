//! The form of a signed context: what a setting holds that the server can verify.
//!
//! Text of four parts, one after the other: the signature in hexadecimal digits, the identifier of
//! the key, until when it holds in seconds since 1970, and the settings as a JSON object.

use crate::config::KEY_ID;

/// The setting that holds the signed context.
pub(crate) const SETTING: &str = "rls.context";

/// The view that shows the settings of a verified context.
pub(crate) const VIEW: &str = "rls_signed_context";

/// The table of the keys.
pub(crate) const KEYS: &str = "rls_signing_key";

/// How long the signature is.
pub(crate) const MAC: usize = 64;

/// How long the identifier of a key is.
pub(crate) const ID: usize = KEY_ID;

/// How long the time is until which it holds.
pub(crate) const UNTIL: usize = 12;

pub(crate) use crate::sqlstate::REFUSED;
