//! Names that no other test has.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// PostgreSQL cuts longer names off (`NAMEDATALEN` - 1).
const LONGEST: usize = 63;

const SUFFIX: usize = 12;

/// 48 random bits as 12 hexadecimal digits.
pub(crate) fn random() -> String {
    // The standard library's only source of randomness: every `RandomState` has other keys.
    let bits = RandomState::new().build_hasher().finish();
    format!("{:012x}", bits >> 16)
}

/// A text of letters, digits, `-` and `_` that tells nothing of the one it is made from.
pub(crate) fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// `hint_suffix`, in lower-case letters, digits and `_`, so that it needs no quotes, and no longer
/// than a name may be.
pub(crate) fn with_suffix(hint: &str, suffix: &str) -> String {
    let mut name: String = hint
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .take(LONGEST - SUFFIX - 1)
        .collect();

    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
        name.truncate(LONGEST - SUFFIX - 1);
    }

    name.push('_');
    name.push_str(suffix);

    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_names_differ() {
        assert_ne!(random(), random());
        assert_eq!(random().len(), SUFFIX);
    }

    #[test]
    fn name_needs_no_quotes() {
        assert_eq!(with_suffix("Tests::One", "ab"), "tests__one_ab");
        assert_eq!(with_suffix("1st", "ab"), "_1st_ab");
        assert_eq!(with_suffix("", "ab"), "__ab");
    }

    #[test]
    fn name_is_no_longer_than_postgresql_keeps() {
        assert_eq!(with_suffix(&"x".repeat(100), &random()).len(), LONGEST);
        assert_eq!(with_suffix(&"1".repeat(100), &random()).len(), LONGEST);
    }
}
