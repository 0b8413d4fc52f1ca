//! How far a database is closed to SQL that someone injects.

use std::fmt;

use super::finding::Finding;

/// The rights that injected SQL could use, and the application does not need: objects of its own, its
/// own settings, code that no text shows, other sessions, parameters.
pub(super) const NEEDLESS: [&str; 9] = [
    "RLS007", "RLS008", "RLS009", "RLS017", "RLS018", "RLS021", "RLS022", "RLS023", "RLS024",
];

/// Temporary tables shadow real ones for whoever gets the connection next.
const TEMPORARY: &str = "RLS017";

/// Those by which one statement changes the context and reads with it.
const OPENING: [&str; 3] = ["RLS009", TEMPORARY, "RLS021"];

/// How far a database is closed to SQL that someone injects as the application's role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// An injected statement can change the context, and read with it.
    #[default]
    Open,
    /// The rights to do that in one statement are revoked. `SET` in a statement before remains.
    Revoked,
    /// Policies read signed contexts alone, and no temporary table can take the next user's.
    Signed,
}

impl Level {
    pub(super) fn of(findings: &[Finding], signed: bool) -> Self {
        let opens = |finding: &Finding| OPENING.contains(&finding.rule.id);
        let shadows = |finding: &Finding| finding.rule.id == TEMPORARY;

        if signed && !findings.iter().any(shadows) {
            Self::Signed
        } else if signed || findings.iter().any(opens) {
            Self::Open
        } else {
            Self::Revoked
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Revoked => "revoked",
            Self::Signed => "signed",
        })
    }
}
