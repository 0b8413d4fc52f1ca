//! chrono's dates and times as values of settings.

use std::borrow::Cow;

use ::chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike};

use super::iso::{self, Clock, Day};
use super::{SettingElement, SettingType, SettingValue};

/// PostgreSQL's dates are from 4713 BC to 5874897. The server refuses any other when a policy reads
/// it.
impl SettingValue for NaiveDate {
    const SQL_TYPE: SettingType = SettingType::Date;

    fn to_setting(&self) -> Cow<'_, str> {
        Cow::Owned(iso::date(day(*self)))
    }
}

impl SettingElement for NaiveDate {}

/// Cut to microseconds. PostgreSQL has no leap second: it becomes the last microsecond before it.
impl SettingValue for NaiveTime {
    const SQL_TYPE: SettingType = SettingType::Time;

    fn to_setting(&self) -> Cow<'_, str> {
        Cow::Owned(iso::time(clock(*self)))
    }
}

impl SettingElement for NaiveTime {}

/// Cut as a `NaiveTime` is. PostgreSQL's timestamps are from 4713 BC to 294276. The server refuses
/// any other when a policy reads it.
impl SettingValue for NaiveDateTime {
    const SQL_TYPE: SettingType = SettingType::Timestamp;

    fn to_setting(&self) -> Cow<'_, str> {
        Cow::Owned(iso::timestamp(day(self.date()), clock(self.time())))
    }
}

impl SettingElement for NaiveDateTime {}

/// The moment in UTC, written as a `NaiveDateTime` with an offset.
impl<Tz: TimeZone> SettingValue for DateTime<Tz> {
    const SQL_TYPE: SettingType = SettingType::TimestampWithTimeZone;

    fn to_setting(&self) -> Cow<'_, str> {
        let utc = self.naive_utc();
        Cow::Owned(iso::timestamp_at(day(utc.date()), clock(utc.time()), 0))
    }
}

impl<Tz: TimeZone> SettingElement for DateTime<Tz> {}

fn day(date: NaiveDate) -> Day {
    Day {
        year: date.year(),
        month: date.month(),
        day: date.day(),
    }
}

fn clock(time: NaiveTime) -> Clock {
    Clock {
        hour: time.hour(),
        minute: time.minute(),
        second: time.second(),
        // More than 999,999,999 ns are a leap second.
        microsecond: (time.nanosecond() / 1_000).min(999_999),
    }
}

#[cfg(test)]
mod tests {
    use ::chrono::FixedOffset;

    use super::*;

    #[test]
    fn dates_and_times_are_iso() {
        let date = NaiveDate::from_ymd_opt(12024, 2, 29).unwrap();
        let time = NaiveTime::from_hms_nano_opt(1, 2, 3, 4_005_999).unwrap();
        assert_eq!(date.to_setting(), "12024-02-29");
        assert_eq!(time.to_setting(), "01:02:03.004005");

        assert_eq!(
            date.and_time(time).to_setting(),
            "12024-02-29 01:02:03.004005"
        );
    }

    #[test]
    fn moments_are_in_utc() {
        let zone = FixedOffset::east_opt(23 * 3600 + 59 * 60).unwrap();
        let moment = zone.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap();
        assert_eq!(moment.to_setting(), "2023-12-31 00:01:00.000000+00:00:00");
    }

    #[test]
    fn leap_second_is_the_last_microsecond_before_it() {
        let leap = NaiveTime::from_hms_nano_opt(23, 59, 59, 1_500_000_000).unwrap();
        assert_eq!(leap.to_setting(), "23:59:59.999999");
    }
}
