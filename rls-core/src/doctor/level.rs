//! How far a database is closed to SQL that someone injects.

use std::fmt;

use super::finding::Finding;
use super::severity::Severity;

/// The rights that injected SQL could use, and the application does not need: objects of its own, its
/// own settings, code that no text shows, other sessions, parameters, counters.
pub(super) const NEEDLESS: [&str; 13] = [
    "RLS007", "RLS008", "RLS009", "RLS017", "RLS018", "RLS021", "RLS022", "RLS023", "RLS024",
    "RLS025", "RLS028", "RLS029", "RLS030",
];

/// What could not be examined, whether a policy is evaluated late among it, is not known to hold.
const UNEXAMINED: &str = "RLS113";

/// Those by which one statement changes the context and reads with it. Temporary tables shadow real
/// ones for whoever gets the connection next.
const OPENING: [&str; 3] = ["RLS009", "RLS017", "RLS021"];

/// Warnings of these groups are ways around policies: roles and the server, drift, privileges and views,
/// tables that nobody declared.
const AROUND: [&str; 4] = ["RLS0", "RLS1", "RLS3", "RLS4"];

/// A hint that is one too: a trigger that bypasses policies can return what it reads.
const TRIGGER: &str = "RLS313";

/// How far a database is closed to SQL that someone injects as the application's role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// An injected statement can change the context, and read with it.
    #[default]
    Open,
    /// The rights to do that in one statement are revoked. `SET` in a statement before remains.
    Revoked,
    /// Policies read signed contexts alone, nothing differs from what the entities say, and no rule of
    /// the doctor finds a way around.
    Signed,
}

impl Level {
    /// `signed`: policies read signed contexts alone. `changes`: a statement may change the context that
    /// policies read.
    pub(super) fn of(findings: &[Finding], signed: bool, changes: bool) -> Self {
        let is_error = |finding: &Finding| finding.severity == Severity::Error;
        let opens = |finding: &Finding| OPENING.contains(&finding.rule.id) || is_error(finding);
        let weakens = |finding: &Finding| {
            let around = AROUND
                .iter()
                .any(|group| finding.rule.id.starts_with(group));
            NEEDLESS.contains(&finding.rule.id)
                || [TRIGGER, UNEXAMINED].contains(&finding.rule.id)
                || around && finding.severity >= Severity::Warning
                || is_error(finding)
        };

        if signed && !findings.iter().any(weakens) {
            Self::Signed
        } else if changes || findings.iter().any(opens) {
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
