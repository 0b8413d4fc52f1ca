//! What would make an erasure say that all is gone, and leave rows; or take what it should leave.

use std::num::NonZeroU32;
use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_rls::context::Settings;
use sea_orm_rls::subject::SubjectError;
use tokio::time::sleep;

use super::{carol, world};
use crate::schema::text;

const USER: [(&str, &str); 1] = [("app.user_id", "1")];

/// An administrator from whom rows are hidden would find none, and say that none is left.
#[tokio::test]
async fn blind_administrator_erases_nothing() {
    for hide in [
        "DROP POLICY setting_admin ON setting",
        "CREATE POLICY hide ON setting AS RESTRICTIVE USING (false)",
        "CREATE POLICY hide ON setting AS RESTRICTIVE FOR UPDATE TO \"$admin\" USING (false)",
        "CREATE POLICY hide ON setting AS RESTRICTIVE FOR DELETE TO \"$admin\" USING (id > 1000)",
    ] {
        let world = world::new().await;
        world.run(hide).await;
        let before = world.dump().await;

        for batch in [None, NonZeroU32::new(1)] {
            let mut subject = world.subject(&USER);
            if let Some(rows) = batch {
                subject = subject.batch(rows);
            }
            let erased = subject.erase(carol()).await;
            let error = erased.expect_err(&format!("{hide}: {batch:?}"));
            assert!(
                matches!(&error, SubjectError::Blind { table, .. } if table == "public.setting"),
                "{hide}: {error}"
            );
            assert_eq!(world.dump().await, before, "{hide}");
            subject.preview(carol()).await.unwrap_err();
            let mut out = Vec::new();
            if !hide.contains("FOR ") {
                subject.export(carol(), &mut out).await.unwrap_err();
            }
        }
    }
}

/// A misspelt name would leave nothing out, and its rows would be erased.
#[tokio::test]
async fn table_to_leave_out_must_be_one() {
    let world = world::new().await;
    let before = world.dump().await;
    for wrong in ["setings", "other.setting", "Setting", "event_low"] {
        let subject = world.subject(&USER).skip(wrong, "to keep");
        let error = subject.erase(carol()).await.unwrap_err();
        assert!(
            matches!(&error, SubjectError::NotLeftOut { table } if table == wrong),
            "{wrong}: {error}"
        );
        subject.preview(carol()).await.unwrap_err();
        subject.export(carol(), &mut Vec::new()).await.unwrap_err();
    }
    assert_eq!(world.dump().await, before);

    let kept = world
        .subject(&USER)
        .skip("account", "to keep")
        .skip("setting", "to keep")
        .skip("Side.Project Of", "to keep")
        .skip("stage", "to keep")
        .skip("draft", "to keep");
    assert_eq!(kept.erase(carol()).await.unwrap().rows(), 3);
}

/// A value of another type is an error that does not show it; one that looks like SQL is a value.
#[tokio::test]
async fn value_is_a_value() {
    let world = world::new().await;
    let before = world.dump().await;
    let of_user = world.subject(&[("app.user_id", "1 OR true")]);
    let error = of_user.erase(carol()).await.unwrap_err().to_string();
    assert!(!error.contains("OR true"), "{error}");

    for nobody in ["x' OR true --", "ONE", "one ", "\\", "one\\' OR true"] {
        let subject = world
            .subject(&[("app.tenant_id", nobody)])
            .skip("account", "stays")
            .skip("setting", "stays");
        assert_eq!(subject.erase(carol()).await.unwrap().rows(), 0, "{nobody}");
    }
    assert_eq!(world.dump().await, before);
}

/// A key to one partition cascades as one to the table does.
#[tokio::test]
async fn rows_that_refer_to_a_partition_stop_an_erasure() {
    let world = world::new().await;
    world
        .run(
            "CREATE TABLE outside (id integer REFERENCES event_low ON DELETE CASCADE);
             INSERT INTO outside SELECT id FROM event_low WHERE tenant_id = 'one' LIMIT 1",
        )
        .await;
    let before = world.dump().await;
    let erased = world
        .subject(&[("app.tenant_id", "one")])
        .skip("account", "stays")
        .skip("setting", "stays")
        .erase(carol())
        .await;
    let error = erased.unwrap_err();
    assert!(error.to_string().contains("outside"), "{error}");
    assert_eq!(world.dump().await, before);
}

/// A trigger that keeps rows undoes all, or ends the batches.
#[tokio::test]
async fn row_that_a_trigger_keeps_is_no_success() {
    let world = world::new().await;
    world
        .run(
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
             CREATE TRIGGER keep BEFORE DELETE ON setting FOR EACH ROW EXECUTE FUNCTION keep()",
        )
        .await;
    let before = world.dump().await;
    let subject = || world.subject(&USER).skip("account", "refers to nothing");
    let erased = subject().erase(carol()).await.unwrap_err();
    assert!(
        matches!(&erased, SubjectError::Left { table, .. } if table == "public.setting"),
        "{erased}"
    );
    assert_eq!(world.dump().await, before);

    let batched = subject().batch(NonZeroU32::new(4).unwrap());
    let erased = batched.erase(carol()).await.unwrap_err();
    assert!(
        matches!(&erased, SubjectError::Left { table, .. } if table == "public.setting"),
        "{erased}"
    );
}

/// In batches, a table is done before the next: what the user adds to it meanwhile is found at the end.
#[tokio::test]
async fn row_that_is_added_to_a_table_that_is_done_is_no_success() {
    let world = world::new().await;
    let held = world.owner.begin().await.unwrap();
    let lock = "SELECT FROM setting FOR UPDATE";
    held.execute_unprepared(lock).await.unwrap();

    let subject = || {
        let kept = world.subject(&USER).skip("account", "stays");
        kept.batch(NonZeroU32::new(100).unwrap())
    };
    let context = Settings::new().with("app.user_id", 1_i64).unwrap();
    let user = world
        .db
        .scope(context.with("app.tenant_id", "one").unwrap());
    let of_user = subject();
    let add_meanwhile = async {
        let waits = "SELECT CAST(count(*) AS text) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while text(&world.owner, waits).await == "0" {
            sleep(Duration::from_millis(5)).await;
        }
        let add = "INSERT INTO member VALUES ('one', 1)";
        user.execute_unprepared(add).await.unwrap();
        held.commit().await.unwrap();
    };

    let (erased, ()) = tokio::join!(of_user.erase(carol()), add_meanwhile);
    let error = erased.unwrap_err();
    assert!(
        matches!(&error, SubjectError::Left { table, rows: 1 } if table == "public.member"),
        "{error}"
    );
    assert_eq!(subject().erase(carol()).await.unwrap().rows(), 1);
}
