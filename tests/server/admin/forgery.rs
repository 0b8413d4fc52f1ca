//! What administrators can do to the record: add to it, and nothing else.

use sea_orm::{ConnectionTrait, EntityTrait, TransactionTrait};
use sea_orm_rls::error::GateFinding;
use sea_orm_rls::{RlsConnection, RlsError};

use super::{because, carol, recorded};
use crate::fixture::{Fixture, entities, task};
use crate::schema::text;

/// limits.md: "an administrator who changes the record".
#[tokio::test]
async fn administrator_reads_the_record_and_changes_nothing_in_it() {
    let fixture = Fixture::new(1).await;
    let admin = carol(&fixture, "ticket 1");
    let count = "SELECT count(*)::text FROM rls_audit WHERE reason = 'ticket 1'";
    assert_eq!(
        text(&admin, count).await,
        "0",
        "it may read; its own record follows"
    );
    assert_eq!(text(&admin, count).await, "1");

    for sql in [
        "UPDATE rls_audit SET reason = 'other'",
        "DELETE FROM rls_audit",
        "TRUNCATE rls_audit",
        "DROP TABLE rls_audit",
        "ALTER TABLE rls_audit DISABLE TRIGGER ALL",
        "INSERT INTO rls_audit (actor) VALUES ('bob')",
        "INSERT INTO rls_audit (at) VALUES ('2000-01-01')",
        r#"INSERT INTO rls_audit ("transaction") VALUES ('3')"#,
        "INSERT INTO rls_audit (login) VALUES ('bob')",
        "INSERT INTO rls_audit (reason) VALUES ('x') ON CONFLICT (id) DO UPDATE SET actor = 'bob'",
        "SELECT * FROM rls_audit FOR UPDATE",
    ] {
        let error = admin.execute_unprepared(sql).await.unwrap_err();
        assert_eq!(
            RlsError::from(error).sqlstate().as_deref(),
            Some("42501"),
            "{sql}"
        );
    }

    admin
        .execute_unprepared("INSERT INTO rls_audit (reason) VALUES ('in more words')")
        .await
        .unwrap();

    let rows = recorded(&fixture).await;
    let [.., own, more] = &rows[..] else {
        panic!("{rows:?}")
    };
    assert_eq!(
        (more.actor.as_str(), more.reason.as_str()),
        ("carol", "in more words")
    );

    assert_eq!(
        own.transaction, more.transaction,
        "what is added says whose it is"
    );
}

#[tokio::test]
async fn sql_text_cannot_say_another_actor() {
    let fixture = Fixture::new(1).await;
    let transaction = carol(&fixture, "ticket 1").begin().await.unwrap();

    for sql in [
        "SET LOCAL rls.actor = 'bob'",
        "SELECT set_config('rls.actor', 'bob', true)",
        r#"SET LOCAL "rls"."on_behalf_of" = '{}'"#,
    ] {
        let error = RlsError::from(transaction.execute_unprepared(sql).await.unwrap_err());
        assert!(
            matches!(error, RlsError::ContextChange { .. }),
            "{sql}: {error:?}"
        );
    }

    transaction.commit().await.unwrap();
}

/// A table of that name which hidden code left in the session comes first in any `search_path`.
#[tokio::test]
async fn temporary_table_does_not_shadow_the_record() {
    let fixture = Fixture::new(1).await;
    fixture
        .owner
        .execute_unprepared(
            "CREATE FUNCTION hide() RETURNS void LANGUAGE plpgsql AS
             $$ BEGIN CREATE TEMPORARY TABLE rls_audit (reason text); END $$",
        )
        .await
        .unwrap();

    let admin = carol(&fixture, "hidden");
    text(&admin, "SELECT hide()::text").await;
    task::Entity::find().all(&admin).await.unwrap();

    let shadowed = text(&admin, "SELECT count(*)::text FROM rls_audit").await;
    assert_eq!(shadowed, "0", "the session still has it");
    assert_eq!(recorded(&fixture).await.len(), 3);
}

#[tokio::test]
async fn application_has_no_part_in_the_record() {
    let fixture = Fixture::new(1).await;
    for sql in [
        "SELECT * FROM rls_audit",
        "INSERT INTO rls_audit (reason) VALUES ('x')",
        "DELETE FROM rls_audit",
    ] {
        let error = RlsError::from(fixture.ann().execute_unprepared(sql).await.unwrap_err());
        assert!(
            matches!(error, RlsError::MissingGrant { .. }),
            "{sql}: {error:?}"
        );
    }
}

#[tokio::test]
async fn gate_refuses_a_record_that_is_missing_or_open() {
    let fixture = Fixture::new(1).await;
    let connect =
        || RlsConnection::connect_with(fixture.database.url(), fixture.config.clone(), entities());
    let finding = async || match connect().await {
        Err(RlsError::Gate(error)) => error.findings,
        other => panic!("the gate was open: {other:?}"),
    };

    let (app, admin) = (fixture.config.app_role(), fixture.config.admin_role());
    for (open, close, by) in [
        (
            "GRANT SELECT ON rls_audit TO \"APP\"",
            "REVOKE SELECT ON rls_audit FROM \"APP\"",
            app,
        ),
        (
            "GRANT DELETE ON rls_audit TO PUBLIC",
            "REVOKE DELETE ON rls_audit FROM PUBLIC",
            app,
        ),
        (
            "GRANT UPDATE (actor) ON rls_audit TO \"ADM\"",
            "REVOKE UPDATE (actor) ON rls_audit FROM \"ADM\"",
            admin,
        ),
        (
            "ALTER TABLE rls_audit OWNER TO \"ADM\"",
            "ALTER TABLE rls_audit OWNER TO CURRENT_USER",
            admin,
        ),
    ] {
        let run = async |sql: &str| {
            let sql = sql
                .replace("APP", app.as_str())
                .replace("ADM", admin.as_str());
            fixture.owner.execute_unprepared(&sql).await.unwrap();
        };

        run(open).await;

        let findings = finding().await;
        assert!(
            matches!(&findings[..], [GateFinding::AuditOpen { role, .. }] if role.as_str() == by.as_str()),
            "{findings:?}"
        );
        run(close).await;
    }

    connect().await.unwrap_err();
    sea_orm_rls::RlsSchema::new(entities(), fixture.config.clone())
        .sync(&fixture.owner)
        .await
        .unwrap();
    connect().await.unwrap();
    fixture
        .owner
        .execute_unprepared("DROP TABLE rls_audit")
        .await
        .unwrap();
    assert!(matches!(
        &finding().await[..],
        [GateFinding::AuditMissing { .. }]
    ));

    let error = RlsError::from(
        task::Entity::find()
            .all(&fixture.db.admin(because("x")))
            .await
            .unwrap_err(),
    );

    assert!(matches!(error, RlsError::AuditFailed { .. }), "{error:?}");
    assert_eq!(error.sqlstate().as_deref(), Some("42P01"));
    task::Entity::find().all(&fixture.ann()).await.unwrap();
}
