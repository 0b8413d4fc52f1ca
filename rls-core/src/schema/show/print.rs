use std::fmt;

use crate::schema::plan::{Change, Plan, Unmanaged};
use crate::schema::render;

/// The plan as SQL, one statement a line, passwords left out.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.changes
            .iter()
            .flat_map(Change::sql)
            .try_for_each(|statement| writeln!(f, "{statement};"))
    }
}

impl Change {
    /// The statements of this change, passwords left out.
    #[must_use]
    pub fn sql(&self) -> Vec<String> {
        render::change(self)
            .into_iter()
            .map(|statement| statement.shown)
            .collect()
    }
}

impl fmt::Display for Unmanaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy { table, policy } => write!(
                f,
                "policy `{policy}` on `{table}` was made by hand, and stays"
            ),
            Self::Table { table } => {
                write!(
                    f,
                    "table `{table}` has row security and no registered entity; its policies stay"
                )
            }
        }
    }
}
