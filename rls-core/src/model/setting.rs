//! The values that settings carry: their types in PostgreSQL, and the Rust types with a text that
//! casts back to them.

#[cfg(feature = "with-chrono")]
mod chrono;
#[cfg(any(feature = "with-chrono", feature = "with-time"))]
mod iso;
mod list;
#[cfg(feature = "with-time")]
mod time;
mod value;

use std::borrow::Cow;
use std::fmt;

pub use value::{SettingElement, SettingValue};

/// The PostgreSQL type that a policy casts a setting's text to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SettingType {
    /// `uuid`, in Rust `Uuid`.
    Uuid,
    /// `smallint`, in Rust `i8`, `u8` or `i16`.
    SmallInteger,
    /// `integer`, in Rust `u16` or `i32`.
    Integer,
    /// `bigint`, in Rust `u32` or `i64`.
    BigInteger,
    /// `boolean`, in Rust `bool`.
    Boolean,
    /// `text`, in Rust `str`, `String` or `Cow<str>`.
    Text,
    /// `date`, in Rust chrono's `NaiveDate` or time's `Date`.
    Date,
    /// `time`, in Rust chrono's `NaiveTime` or time's `Time`.
    Time,
    /// `timestamp`, in Rust chrono's `NaiveDateTime` or time's `PrimitiveDateTime`.
    Timestamp,
    /// `timestamptz`, in Rust chrono's `DateTime` or time's `OffsetDateTime`.
    TimestampWithTimeZone,
    /// An array of a type, in Rust a list.
    Array(&'static SettingType),
}

impl SettingType {
    /// PostgreSQL's name of the type, as `format_type` prints it.
    ///
    /// ```
    /// use rls_core::{SettingType, SettingValue};
    /// assert_eq!(SettingType::TimestampWithTimeZone.as_sql(), "timestamp with time zone");
    /// assert_eq!(<Vec<i32>>::SQL_TYPE.as_sql(), "integer[]");
    /// ```
    #[must_use]
    pub fn as_sql(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Uuid => "uuid",
            Self::SmallInteger => "smallint",
            Self::Integer => "integer",
            Self::BigInteger => "bigint",
            Self::Boolean => "boolean",
            Self::Text => "text",
            Self::Date => "date",
            Self::Time => "time without time zone",
            Self::Timestamp => "timestamp without time zone",
            Self::TimestampWithTimeZone => "timestamp with time zone",
            // PostgreSQL's array types do not tell how many dimensions their values have.
            Self::Array(of @ Self::Array(_)) => return of.as_sql(),
            Self::Array(of) => return Cow::Owned(format!("{}[]", of.as_sql())),
        })
    }
}

impl fmt::Display for SettingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_sql())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_postgres_prints_them() {
        assert_eq!(SettingType::Uuid.to_string(), "uuid");
        assert_eq!(
            SettingType::Array(&SettingType::Time).to_string(),
            "time without time zone[]"
        );

        let nested = SettingType::Array(&SettingType::Array(&SettingType::Text));
        assert_eq!(nested.as_sql(), "text[]");
    }
}
