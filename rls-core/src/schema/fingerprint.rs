//! Fingerprints of policies, kept in each policy's comment: of the desired policy, and of the text
//! that the server then printed of it.
//!
//! With them, any login can compare a policy with its entity exactly. Without them only a login
//! that may create temporary tables could, since the server must print the desired expressions
//! first. The version of the policy's row in the catalog tells whether anything need be printed at
//! all.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

use crate::model::policy::Canonical;
use crate::model::policy::{Policy, PolicyKind};
use crate::sql;

/// The mark in the comment of a policy that this library made.
const MARK: &str = "sea-orm-rls:";

/// The word in place of the second fingerprint, in a file, until the server has printed the policy.
const PENDING: &str = "pending";

/// A regular expression of PostgreSQL's that finds comments with fingerprints.
pub(crate) const PATTERN: &str = "(^|\\n)sea-orm-rls: [0-9a-f]+ \\S+( \\S+)?$";

/// A regular expression of PostgreSQL's that finds comments with a pending second fingerprint.
pub(crate) const PENDING_PATTERN: &str = "(^|\\n)sea-orm-rls: [0-9a-f]+ pending$";

/// The fingerprints in a policy's comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Of the desired policy.
    pub(crate) desired: String,
    /// Of the actual policy, as the server printed it.
    pub(crate) actual: String,
    /// The version of its row in the catalog; `None` if it would not tell every change.
    pub(crate) version: Option<String>,
}

impl Fingerprint {
    /// Splits a comment into what a person wrote and the fingerprints.
    pub(crate) fn split(comment: &str) -> (Option<String>, Option<Self>) {
        let (text, line) = comment.rsplit_once('\n').unwrap_or(("", comment));
        let fingerprint = line.strip_prefix(MARK).and_then(|rest| {
            let mut words = rest.split_whitespace();
            let (desired, actual) = (words.next()?, words.next()?);
            let (version, None) = (words.next(), words.next()) else {
                return None;
            };
            let fingerprint = Self {
                desired: desired.to_owned(),
                actual: actual.to_owned(),
                version: version.map(str::to_owned),
            };

            is_hash(desired).then_some(fingerprint)
        });

        let text = if fingerprint.is_some() { text } else { comment };
        ((!text.is_empty()).then(|| text.to_owned()), fingerprint)
    }

    /// The fingerprints of a policy that is yet to be applied.
    pub(crate) fn pending(desired: &str) -> Self {
        Self {
            desired: desired.to_owned(),
            actual: PENDING.to_owned(),
            version: None,
        }
    }

    /// Whether the policy is yet to be applied.
    pub(crate) fn is_pending(&self) -> bool {
        self.actual == PENDING
    }

    /// The comment that carries `text` and these fingerprints.
    pub(crate) fn comment(&self, text: Option<&str>) -> String {
        text.map_or_else(|| self.to_string(), |text| format!("{text}\n{self}"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK} {} {}", self.desired, self.actual)?;
        self.version
            .iter()
            .try_for_each(|version| write!(f, " {version}"))
    }
}

/// Whether a word looks as [`of`] writes it.
fn is_hash(word: &str) -> bool {
    word.len() == 24
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The fingerprint of a desired policy. Give it the policy as declared, before names get a schema.
pub(crate) fn desired(policy: &Policy) -> String {
    of(&policy.map(sql::expression))
}

/// The fingerprint of an actual policy, as the server prints it.
pub(crate) fn actual(policy: &Policy<Canonical>) -> String {
    of(&policy.map(|canonical| canonical.as_str().to_owned()))
}

/// The hash of a policy but for its name, which a rename changes, and its comment.
fn of(policy: &Policy<String>) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };

    part(if policy.kind == PolicyKind::Permissive {
        "permissive"
    } else {
        "restrictive"
    });
    part(policy.command().as_sql());

    for side in [policy.using(), policy.with_check()] {
        part(if side.is_some() { "some" } else { "none" });
        part(side.map_or("", String::as_str));
    }

    for role in &policy.roles {
        part(role.as_str());
    }

    hex(hash)
}

/// The hash of texts, each with its length, so that none runs into the next.
pub(crate) fn listed(parts: impl Iterator<Item = String>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }

    hex(hash)
}

/// The hash of a version of a policy's row.
pub(crate) fn version(row: &str) -> String {
    hex(Sha256::new_with_prefix(row))
}

fn hex(hash: Sha256) -> String {
    hash.finalize()[..12]
        .iter()
        .fold(String::with_capacity(24), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_split_as_it_was_joined() {
        for version in [None, Some("cc".to_owned())] {
            let fingerprint = Fingerprint {
                desired: "a1".repeat(12),
                actual: "b2".repeat(12),
                version,
            };

            for text in [
                None,
                Some("one"),
                Some("two\nlines"),
                Some("sea-orm-rls: not one"),
            ] {
                let (read, found) = Fingerprint::split(&fingerprint.comment(text));
                assert_eq!((read.as_deref(), found), (text, Some(fingerprint.clone())));
            }

            assert!(!fingerprint.is_pending());
        }

        let pending = Fingerprint::pending(&"a1".repeat(12));
        assert!(pending.is_pending());
        assert_eq!(
            Fingerprint::split(&pending.comment(Some("text"))),
            (Some("text".to_owned()), Some(pending))
        );
        assert_eq!(
            Fingerprint::split("by hand"),
            (Some("by hand".to_owned()), None)
        );

        for other in ["sea-orm-rls: half", "sea-orm-rls: aa bb cc dd"] {
            assert_eq!(Fingerprint::split(other), (Some(other.to_owned()), None));
        }
    }
}
