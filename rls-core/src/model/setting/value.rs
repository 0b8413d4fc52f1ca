//! Single values of settings.

use std::borrow::Cow;

use uuid::Uuid;

use super::SettingType;

/// A value that a setting can carry, as a text that PostgreSQL casts back to it.
///
/// Implemented for `Uuid`, `bool`, texts, the integers that fit a `bigint`, and for an `Option` or
/// a list of one of these. The feature `with-chrono` adds chrono's dates and times, `with-time`
/// adds time's. The server's `DateStyle`, `IntervalStyle` and `TimeZone` change none of them.
///
/// A policy reads `NULLIF(current_setting('app.user_id', true), '')::uuid`. The empty text is no
/// value, so an empty `String` means the same as `None`.
///
/// Implement it for a type of your own by another value:
///
/// ```
/// use std::borrow::Cow;
///
/// use rls_core::{SettingElement, SettingType, SettingValue};
///
/// struct TeamId(i64);
///
/// impl SettingValue for TeamId {
///     const SQL_TYPE: SettingType = i64::SQL_TYPE;
///
///     fn to_setting(&self) -> Cow<'_, str> {
///         self.0.to_setting()
///     }
/// }
///
/// // Makes a list of it a value too.
/// impl SettingElement for TeamId {}
///
/// assert_eq!(TeamId(7).to_setting(), "7");
/// assert_eq!(vec![TeamId(7), TeamId(8)].to_setting(), r#"{"7","8"}"#);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a setting",
    label = "expected a `Uuid`, `bool`, text, integer, date or time, an `Option` or a list of one",
    note = "dates and times need the feature `with-chrono` or `with-time`, and no `u64` fits a \
            `bigint`",
    note = "implement `SettingValue` for a type of your own"
)]
pub trait SettingValue {
    /// The type that a policy casts the text to.
    const SQL_TYPE: SettingType;

    /// The text; empty if there is no value.
    fn to_setting(&self) -> Cow<'_, str>;
}

/// A value that can be in a list. A list of them is a value for `= ANY(…)`.
///
/// `Vec<T>`, `[T]`, `[T; N]` and references to them are sent as a PostgreSQL array. A policy reads
/// it once a query, as
///
/// ```sql
/// "team_id" = ANY((SELECT NULLIF(current_setting('app.team_ids', true), '')::uuid[])::uuid[])
/// ```
///
/// - An element `None` is NULL; an empty text is the empty text.
/// - The empty list is `{}` and matches no row. It is a value, so a context with nothing else is
///   not anonymous.
/// - A list of lists is no value, since PostgreSQL's arrays are rectangles.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in the list of a setting",
    label = "expected a `Uuid`, `bool`, text, integer, date or time, or an `Option` of one",
    note = "PostgreSQL's arrays are rectangles, so a list of lists is none: make it one list",
    note = "for a type of your own that implements `SettingValue`: `impl SettingElement for {Self} \
            {{}}`"
)]
pub trait SettingElement: SettingValue {
    /// The element's text; `None` is NULL.
    fn to_element(&self) -> Option<Cow<'_, str>> {
        Some(self.to_setting())
    }
}

macro_rules! setting_value_by_display {
    ($($value:ty => $sql_type:ident),* $(,)?) => {$(
        impl SettingValue for $value {
            const SQL_TYPE: SettingType = SettingType::$sql_type;

            fn to_setting(&self) -> Cow<'_, str> {
                Cow::Owned(self.to_string())
            }
        }

        impl SettingElement for $value {}
    )*};
}

// An unsigned integer has the smallest type with all of its values; no type has those of `u64`.
setting_value_by_display!(
    Uuid => Uuid,
    i8 => SmallInteger,
    u8 => SmallInteger,
    i16 => SmallInteger,
    u16 => Integer,
    i32 => Integer,
    u32 => BigInteger,
    i64 => BigInteger,
    bool => Boolean,
);

macro_rules! setting_value_by_text {
    ($($value:ty),* $(,)?) => {$(
        /// The empty text is no value; in a list it is the empty text.
        impl SettingValue for $value {
            const SQL_TYPE: SettingType = SettingType::Text;

            fn to_setting(&self) -> Cow<'_, str> {
                Cow::Borrowed(self)
            }
        }

        impl SettingElement for $value {}
    )*};
}

setting_value_by_text!(str, String, Cow<'_, str>);

impl<T: SettingValue + ?Sized> SettingValue for &T {
    const SQL_TYPE: SettingType = T::SQL_TYPE;

    fn to_setting(&self) -> Cow<'_, str> {
        (**self).to_setting()
    }
}

/// `None` is the empty text, which the policies read as no value.
impl<T: SettingValue> SettingValue for Option<T> {
    const SQL_TYPE: SettingType = T::SQL_TYPE;

    fn to_setting(&self) -> Cow<'_, str> {
        self.as_ref()
            .map_or(Cow::Borrowed(""), SettingValue::to_setting)
    }
}

impl<T: SettingElement + ?Sized> SettingElement for &T {
    fn to_element(&self) -> Option<Cow<'_, str>> {
        (**self).to_element()
    }
}

/// `None` is NULL.
impl<T: SettingElement> SettingElement for Option<T> {
    fn to_element(&self) -> Option<Cow<'_, str>> {
        self.as_ref().and_then(SettingElement::to_element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_a_type_that_holds_all_their_values() {
        assert_eq!(
            (i16::SQL_TYPE, u8::SQL_TYPE, i8::SQL_TYPE),
            (SettingType::SmallInteger, i16::SQL_TYPE, i16::SQL_TYPE)
        );
        assert_eq!(
            (i32::SQL_TYPE, u16::SQL_TYPE),
            (SettingType::Integer, i32::SQL_TYPE)
        );
        assert_eq!(
            (i64::SQL_TYPE, u32::SQL_TYPE),
            (SettingType::BigInteger, i64::SQL_TYPE)
        );
        assert_eq!(i64::MIN.to_setting(), "-9223372036854775808");
        assert_eq!(u32::MAX.to_setting(), "4294967295");
    }

    #[test]
    fn option_and_reference_have_the_type_of_what_is_in_them() {
        assert_eq!(<Option<&Uuid>>::SQL_TYPE, SettingType::Uuid);
        assert_eq!(Some(&true).to_setting(), "true");
        assert_eq!(None::<i32>.to_setting(), "");
        assert_eq!(Cow::Borrowed("it's").to_setting(), "it's");
    }
}
