//! A cache of texts that were read before. A service sends the same few texts, and a lookup costs
//! less than reading.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use super::{Look, look};

/// How many texts are kept. One more, and the cache is emptied.
const MOST: usize = 1_000;

/// Longer texts, in bytes, are not kept.
const LONGEST: usize = 4_000;

/// What the words of texts tell, by the whole text.
#[derive(Default)]
pub(crate) struct Seen(RwLock<HashMap<Box<str>, Look>>);

impl Seen {
    pub(super) fn look(&self, sql: &str) -> Look {
        if sql.len() > LONGEST {
            return look(sql);
        }

        if let Some(seen) = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(sql)
        {
            return *seen;
        }

        let look = look(sql);
        let mut seen = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == MOST {
            seen.clear();
        }

        seen.insert(sql.into(), look);
        look
    }
}

/// Raw SQL may hold values.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_the_same_again_and_few_are_kept() {
        let seen = Seen::default();
        let kept = || seen.0.read().unwrap().len();

        for _ in 0..2 {
            for sql in [
                "SELECT 1",
                "DO $$ BEGIN END $$",
                "COMMIT",
                "SELECT nextval('s')",
            ] {
                assert_eq!(seen.look(sql), look(sql), "{sql}");
            }
        }

        assert_eq!(kept(), 4);
        seen.look(&format!("SELECT '{}'", "x".repeat(LONGEST)));
        assert_eq!(kept(), 4);

        for number in 0..MOST {
            seen.look(&format!("SELECT {number} AS n"));
            assert!(kept() <= MOST);
        }

        assert_eq!(kept(), 4);
    }
}
