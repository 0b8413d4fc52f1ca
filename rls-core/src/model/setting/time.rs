//! time's dates and times as values of settings.

use std::borrow::Cow;

use ::time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::iso::{self, Clock, Day};
use super::{SettingElement, SettingType, SettingValue};

/// PostgreSQL's dates begin in 4713 BC. The server refuses an earlier one when a policy reads it.
impl SettingValue for Date {
    const SQL_TYPE: SettingType = SettingType::Date;

    fn to_setting(&self) -> Cow<'_, str> {
        Cow::Owned(iso::date(day(*self)))
    }
}

impl SettingElement for Date {}

/// Cut to microseconds.
impl SettingValue for Time {
    const SQL_TYPE: SettingType = SettingType::Time;

    fn to_setting(&self) -> Cow<'_, str> {
        Cow::Owned(iso::time(clock(*self)))
    }
}

impl SettingElement for Time {}

/// Written as its `Date` and its `Time`.
impl SettingValue for PrimitiveDateTime {
    const SQL_TYPE: SettingType = SettingType::Timestamp;

    fn to_setting(&self) -> Cow<'_, str> {
        Cow::Owned(iso::timestamp(day(self.date()), clock(self.time())))
    }
}

impl SettingElement for PrimitiveDateTime {}

/// The moment in UTC, written as a `PrimitiveDateTime` with an offset.
impl SettingValue for OffsetDateTime {
    const SQL_TYPE: SettingType = SettingType::TimestampWithTimeZone;

    fn to_setting(&self) -> Cow<'_, str> {
        // PostgreSQL takes offsets below 16 hours, `time` has longer ones. On the first and the
        // last day that `time` has, UTC may be a day that it has not.
        let moment = self.checked_to_offset(UtcOffset::UTC).unwrap_or(*self);
        Cow::Owned(iso::timestamp_at(
            day(moment.date()),
            clock(moment.time()),
            moment.offset().whole_seconds(),
        ))
    }
}

impl SettingElement for OffsetDateTime {}

fn day(date: Date) -> Day {
    Day {
        year: date.year(),
        month: u8::from(date.month()).into(),
        day: date.day().into(),
    }
}

fn clock(time: Time) -> Clock {
    let (hour, minute, second, microsecond) = time.as_hms_micro();
    Clock {
        hour: hour.into(),
        minute: minute.into(),
        second: second.into(),
        microsecond,
    }
}

#[cfg(test)]
mod tests {
    use ::time::Month;

    use super::*;

    #[test]
    fn dates_and_times_are_iso() {
        let date = Date::from_calendar_date(-43, Month::March, 15).unwrap();
        let time = Time::from_hms_nano(1, 2, 3, 4_005_999).unwrap();
        assert_eq!(date.to_setting(), "0044-03-15 BC");
        assert_eq!(time.to_setting(), "01:02:03.004005");

        assert_eq!(
            PrimitiveDateTime::new(date, time).to_setting(),
            "0044-03-15 01:02:03.004005 BC"
        );
    }

    #[test]
    fn moments_are_in_utc_if_there_is_such_a_day() {
        let offset = UtcOffset::from_hms(-23, -30, 0).unwrap();
        let new_year = Date::from_calendar_date(2024, Month::January, 1)
            .unwrap()
            .midnight();
        let moment = new_year.assume_offset(offset);

        assert_eq!(moment.to_setting(), "2024-01-01 23:30:00.000000+00:00:00");

        let last = Date::MAX
            .midnight()
            .assume_offset(UtcOffset::from_hms(-25, 0, 0).unwrap());

        assert!(
            last.to_setting()
                .ends_with("-12-31 00:00:00.000000-25:00:00"),
            "{}",
            last.to_setting()
        );
    }
}
