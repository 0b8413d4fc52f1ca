//! Whose rows are read.

use std::fmt;

use uuid::Uuid;

/// How many have about equally many rows.
pub const USUAL: u64 = 1_000;

/// One row in this many belongs to the one who has most.
pub const SHARE: u64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Usual,
    Heavy,
}

impl Owner {
    pub const ALL: [Self; 2] = [Self::Usual, Self::Heavy];

    /// As SQL gives the key to row number `i`; the others' rows lie between each one's own.
    pub fn of_row() -> String {
        format!(
            "('00000000-0000-0000-0000-' || lpad(to_hex(
                CASE WHEN i % {SHARE} = 0 THEN 1 ELSE 2 + (i - i / {SHARE}) * 7919 % {USUAL} END
            ), 12, '0'))::uuid"
        )
    }

    pub fn key(self) -> Uuid {
        Uuid::from_u128(match self {
            Self::Heavy => 1,
            Self::Usual => 2 + u128::from(USUAL) / 2,
        })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usual => write!(f, "one of {USUAL} owners"),
            Self::Heavy => write!(f, "the owner of one row in {SHARE}"),
        }
    }
}
