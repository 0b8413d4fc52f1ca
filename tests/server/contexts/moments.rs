//! Dates and times, on a server that would write and read them otherwise.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_rls::context::SettingValue;
use sea_orm_rls::{RlsContext, ScopedTransaction};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::read;
use crate::fixture::Fixture;

#[derive(RlsContext)]
struct Moment<D: SettingValue, T, S, Z> {
    #[setting("app.day")]
    day: D,
    #[setting("app.clock")]
    clock: T,
    #[setting("app.local")]
    local: S,
    #[setting("app.moment")]
    moment: Z,
}

/// A transaction with the context, in which the server writes `05/03/2024` for the fifth of March,
/// in India's time.
async fn begin(fixture: &Fixture, context: impl RlsContext) -> ScopedTransaction {
    let transaction = fixture.db.scope(context).begin().await.unwrap();
    let style = "SET LOCAL DateStyle = 'SQL, DMY'; SET LOCAL TimeZone = 'Asia/Kolkata'";
    transaction.execute_unprepared(style).await.unwrap();
    assert_eq!(
        read::<String>(&transaction, "('2024-03-05'::date)::text").await,
        "05/03/2024"
    );

    transaction
}

fn chrono_days() -> Vec<NaiveDate> {
    [
        (2024, 3, 5),
        (1, 1, 1),
        (0, 2, 29),
        (-43, 3, 15),
        (-4712, 1, 1),
        (12_024, 12, 31),
        (9999, 10, 11),
    ]
    .map(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day).unwrap())
    .into()
}

#[tokio::test]
async fn chrono_values_are_cast_back_whatever_the_date_style() {
    let fixture = Fixture::new(1).await;
    let clock = NaiveTime::from_hms_micro_opt(23, 4, 5, 678_901).unwrap();

    for day in chrono_days() {
        let local = day.and_time(clock);
        let moment = local
            .and_local_timezone(FixedOffset::east_opt(-12_645).unwrap())
            .unwrap();
        let transaction = begin(
            &fixture,
            Moment {
                day,
                clock,
                local,
                moment,
            },
        )
        .await;

        assert_eq!(
            read::<NaiveDate>(&transaction, "current_setting('app.day')::date").await,
            day
        );
        assert_eq!(
            read::<NaiveTime>(&transaction, "current_setting('app.clock')::time").await,
            clock
        );
        assert_eq!(
            read::<NaiveDateTime>(&transaction, "current_setting('app.local')::timestamp").await,
            local
        );

        let found: DateTime<Utc> =
            read(&transaction, "current_setting('app.moment')::timestamptz").await;
        assert_eq!(found, moment);
    }
}

#[tokio::test]
async fn leap_second_and_nanoseconds_are_cut_to_what_the_server_keeps() {
    let fixture = Fixture::new(1).await;
    let day = NaiveDate::from_ymd_opt(2016, 12, 31).unwrap();
    let last = NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap();

    for nanosecond in [1_500_000_000, 999_999_999] {
        let clock = NaiveTime::from_hms_nano_opt(23, 59, 59, nanosecond).unwrap();
        let local = day.and_time(clock);
        let transaction = begin(
            &fixture,
            Moment {
                day,
                clock,
                local,
                moment: local.and_utc(),
            },
        )
        .await;

        assert_eq!(
            read::<NaiveTime>(&transaction, "current_setting('app.clock')::time").await,
            last
        );

        let found: DateTime<Utc> =
            read(&transaction, "current_setting('app.moment')::timestamptz").await;
        assert_eq!(found, day.and_time(last).and_utc());
    }
}

#[tokio::test]
async fn time_values_are_cast_back_whatever_the_date_style() {
    let fixture = Fixture::new(1).await;
    let offset = UtcOffset::from_hms(19, 30, 15).unwrap();

    for chrono_day in chrono_days()
        .into_iter()
        .filter(|day| *day < NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap())
    {
        let epoch = Date::from_ordinal_date(1970, 1).unwrap();
        let days = chrono_day
            .signed_duration_since(NaiveDate::from_ymd_opt(1970, 1, 1).unwrap())
            .num_days();
        let (day, clock) = (
            epoch + time::Duration::days(days),
            Time::from_hms_micro(1, 2, 3, 45).unwrap(),
        );

        let local = PrimitiveDateTime::new(day, clock);
        let moment: OffsetDateTime = local.assume_offset(offset);
        let transaction = begin(
            &fixture,
            Moment {
                day,
                clock,
                local,
                moment,
            },
        )
        .await;

        let chrono_clock = NaiveTime::from_hms_micro_opt(1, 2, 3, 45).unwrap();
        let chrono_local = chrono_day.and_time(chrono_clock);
        assert_eq!(
            read::<NaiveDate>(&transaction, "current_setting('app.day')::date").await,
            chrono_day
        );
        assert_eq!(
            read::<NaiveTime>(&transaction, "current_setting('app.clock')::time").await,
            chrono_clock
        );
        assert_eq!(
            read::<NaiveDateTime>(&transaction, "current_setting('app.local')::timestamp").await,
            chrono_local
        );

        let found: DateTime<Utc> =
            read(&transaction, "current_setting('app.moment')::timestamptz").await;

        assert_eq!(
            found,
            (chrono_local - TimeDelta::seconds(offset.whole_seconds().into())).and_utc()
        );
    }
}
