//! Dates and times that the server reads alike with any `DateStyle` and `TimeZone`: the year first,
//! with four digits or more, an explicit offset, `BC` at the end.

use std::fmt::Write as _;

/// A day of the proleptic Gregorian calendar, which has a year 0.
#[derive(Clone, Copy)]
pub(super) struct Day {
    pub(super) year: i32,
    pub(super) month: u32,
    pub(super) day: u32,
}

/// A time of day with microseconds, as PostgreSQL keeps it.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    pub(super) microsecond: u32,
}

pub(super) fn date(day: Day) -> String {
    text(Some(day), None, None)
}

pub(super) fn time(clock: Clock) -> String {
    text(None, Some(clock), None)
}

pub(super) fn timestamp(day: Day, clock: Clock) -> String {
    text(Some(day), Some(clock), None)
}

/// Writes a moment; `offset` is in seconds east of Greenwich.
pub(super) fn timestamp_at(day: Day, clock: Clock, offset: i32) -> String {
    text(Some(day), Some(clock), Some(offset))
}

fn text(day: Option<Day>, clock: Option<Clock>, offset: Option<i32>) -> String {
    let mut text = String::with_capacity(40);
    let before_christ = day.is_some_and(|day| day.year <= 0);

    if let Some(Day { year, month, day }) = day {
        // The year before 1 is 1 BC.
        let year = if year <= 0 { 1 - year } else { year };
        let _infallible = write!(text, "{year:04}-{month:02}-{day:02}");
    }

    if let Some(Clock {
        hour,
        minute,
        second,
        microsecond,
    }) = clock
    {
        let space = if day.is_some() { " " } else { "" };
        let _infallible = write!(
            text,
            "{space}{hour:02}:{minute:02}:{second:02}.{microsecond:06}"
        );
    }

    if let Some(offset) = offset {
        let sign = if offset < 0 { '-' } else { '+' };
        let seconds = offset.unsigned_abs();
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let _infallible = write!(text, "{sign}{hours:02}:{minutes:02}:{:02}", seconds % 60);
    }

    if before_christ {
        text.push_str(" BC");
    }

    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_have_four_digits_or_more_and_an_era() {
        let day = |year| {
            date(Day {
                year,
                month: 3,
                day: 5,
            })
        };

        assert_eq!(
            [2024, 7, 12024, 0, -43, -10_000].map(day),
            [
                "2024-03-05",
                "0007-03-05",
                "12024-03-05",
                "0001-03-05 BC",
                "0044-03-05 BC",
                "10001-03-05 BC"
            ]
        );
    }

    #[test]
    fn offsets_are_explicit_and_the_era_comes_last() {
        let clock = Clock {
            hour: 1,
            minute: 2,
            second: 3,
            microsecond: 40,
        };

        let day = Day {
            year: -43,
            month: 3,
            day: 5,
        };

        assert_eq!(
            timestamp_at(day, clock, 0),
            "0044-03-05 01:02:03.000040+00:00:00 BC"
        );

        assert_eq!(
            timestamp_at(day, clock, -12_645),
            "0044-03-05 01:02:03.000040-03:30:45 BC"
        );
    }
}
