//! A place in the server's write-ahead log.

use std::fmt;
use std::str::FromStr;

use crate::debug::debug_is_display;

/// A place in the server's write-ahead log, as PostgreSQL writes it: two hexadecimal numbers with a
/// slash between. It is no secret, so it can travel in a cookie or a header.
///
/// ```
/// use rls_core::model::WalPosition;
///
/// let position: WalPosition = "16/B374D848".parse()?;
/// assert!(position < "17/0".parse()?);
/// assert_eq!(position.to_string(), "16/B374D848");
/// # Ok::<(), rls_core::model::WalPositionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalPosition(u64);

/// A text is no place in a write-ahead log.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a place in the write-ahead log is two hexadecimal numbers with a slash, as `16/B374D848`")]
pub struct WalPositionError;

debug_is_display!(WalPositionError);

impl WalPosition {
    /// The end of the record before this place, if no record can begin here or has begun: on the
    /// first page of a file of `file` bytes, and on each other page of `page` bytes, records begin
    /// after a header, and a standby has come only to the end of the page before.
    pub(crate) fn before_header(self, page: u64, file: u64) -> Self {
        // XLogLongPHD and XLogShortPHD, in `src/include/access/xlog_internal.h`.
        const OF_FILE: u64 = 40;
        const OF_PAGE: u64 = 24;

        if self.0 % file == OF_FILE {
            Self(self.0 - OF_FILE)
        } else if self.0 % page == OF_PAGE {
            Self(self.0 - OF_PAGE)
        } else {
            self
        }
    }
}

impl FromStr for WalPosition {
    type Err = WalPositionError;

    fn from_str(text: &str) -> Result<Self, WalPositionError> {
        let number = |digits: &str| match digits.len() {
            1..=8 if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                u64::from_str_radix(digits, 16).map_err(|_| WalPositionError)
            }
            _ => Err(WalPositionError),
        };

        let (high, low) = text.split_once('/').ok_or(WalPositionError)?;
        Ok(Self(number(high)? << 32 | number(low)?))
    }
}

impl fmt::Display for WalPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_is_read_as_the_server_writes_it() {
        for text in ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"] {
            assert_eq!(text.parse::<WalPosition>().unwrap().to_string(), text);
        }

        for wrong in ["", "/", "1", "1/", "1/+2", "123456789/0", "1/2/3", "g/0"] {
            assert_eq!(
                wrong.parse::<WalPosition>(),
                Err(WalPositionError),
                "{wrong}"
            );
        }
    }

    #[test]
    fn place_after_a_header_is_the_end_of_the_page_before() {
        const PAGE: u64 = 8192;
        const FILE: u64 = 16 << 20;

        for (place, expected) in [
            (PAGE + 24, PAGE),
            (PAGE + 32, PAGE + 32),
            (PAGE + 40, PAGE + 40),
            (3 * FILE + 40, 3 * FILE),
            (3 * FILE + 48, 3 * FILE + 48),
        ] {
            assert_eq!(WalPosition(place).before_header(PAGE, FILE).0, expected);
        }
    }
}
