//! Fingerprints of policies: what was asked, and what the server then held, kept in each policy's
//! comment.
//!
//! With them, any login can compare a policy with its entity exactly, though only the server can
//! print an expression and only who may create tables can make it print one. The version of the
//! policy's row in the catalog says whether it need be printed at all.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

use crate::model::policy::Canonical;
use crate::model::policy::{Policy, PolicyKind};
use crate::sql;

/// What marks the comment of a policy that this family made.
const MARK: &str = "sea-orm-rls:";

/// What stands for the second fingerprint in a file, until the server has printed the policy.
const PENDING: &str = "pending";

/// A regular expression of PostgreSQL's that finds comments whose second fingerprint is pending.
pub(crate) const PENDING_PATTERN: &str = "(^|\\n)sea-orm-rls: [0-9a-f]+ pending$";

/// The fingerprints in a policy's comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Of the policy as it was asked for.
    pub(crate) desired: String,
    /// Of the policy as the server printed it.
    pub(crate) actual: String,
    /// Of the row of the catalog that held it; `None` where a version does not tell all.
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

    /// Of a policy that is yet to be applied.
    pub(crate) fn pending(desired: &str) -> Self {
        Self {
            desired: desired.to_owned(),
            actual: PENDING.to_owned(),
            version: None,
        }
    }

    /// Whether the server is yet to print the policy.
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

/// As [`of`] writes one.
fn is_hash(word: &str) -> bool {
    word.len() == 24
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Of a policy as it is asked for, whatever the schema of names that say none.
pub(crate) fn desired(policy: &Policy) -> String {
    of(&policy.map(sql::expression))
}

/// Of a policy as the server prints it.
pub(crate) fn actual(policy: &Policy<Canonical>) -> String {
    of(&policy.map(|canonical| canonical.as_str().to_owned()))
}

/// Of all but the name, which a rename changes, and the comment.
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

/// Of texts, each with its length, so that none runs into the next.
pub(crate) fn listed(parts: impl Iterator<Item = String>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }

    hex(hash)
}

/// Of a version of a policy's row, as the catalog tells it.
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
