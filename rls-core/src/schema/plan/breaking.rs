use std::fmt;

/// What a change breaks of a version that still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breaking {
    /// The statements that begin to fail.
    pub fails: &'static str,
    /// What to deploy first, so that nothing fails.
    pub first: &'static str,
}

impl fmt::Display for Breaking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} begins to fail; first {}", self.fails, self.first)
    }
}
