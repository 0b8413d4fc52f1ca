//! The administrators' record: it names whom the program signed for, whatever SQL sets.

use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use sea_orm::{
    AccessMode, ActiveModelTrait, ConnectionTrait, Database, DatabaseConnection, DbBackend,
    EntityTrait, Statement, StreamTrait, TransactionTrait,
};
use sea_orm_rls::doctor::{Doctor, Finding, Remedy};
use sea_orm_rls::error::GateFinding;
use sea_orm_rls::signing::SignedContexts;
use sea_orm_rls::{RlsConfig, RlsConnection, RlsError, RlsSchema};

use super::new_task;
use super::token::token;
use crate::admin::{because, carol, recorded};
use crate::fixture::{Fixture, entities, task};
use crate::lane::drop_after;
use crate::schema::text;

/// The actors of all rows, in their order.
async fn actors(fixture: &Fixture) -> Vec<(String, String)> {
    let rows = recorded(fixture).await.into_iter();
    rows.map(|row| (row.actor, row.reason)).collect()
}

fn of_carol(reasons: &[&str]) -> Vec<(String, String)> {
    let row = |reason: &&str| ("carol".to_owned(), (*reason).to_owned());
    reasons.iter().map(row).collect()
}

/// The administrator's login, without the library.
async fn bare(fixture: &Fixture) -> DatabaseConnection {
    let role = fixture.config.admin_role().as_str();
    let url = fixture.database.url_as(role, "admin password");
    Database::connect(url).await.unwrap()
}

#[tokio::test]
async fn each_way_of_an_administrator_leaves_a_signed_record() {
    let fixture = Fixture::signed(1).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();

    let seen = task::Entity::find().all(&carol(&fixture, "alone")).await;
    assert_eq!(seen.unwrap().len(), 1);
    let unprepared = carol(&fixture, "text");
    unprepared.execute_unprepared("SELECT 1").await.unwrap();

    let transaction = carol(&fixture, "transaction").begin().await.unwrap();
    assert_eq!(
        task::Entity::find().all(&transaction).await.unwrap().len(),
        1
    );
    let id = text(&transaction, "SELECT pg_current_xact_id()::text").await;
    transaction.commit().await.unwrap();
    let rows = recorded(&fixture).await;
    assert_eq!(rows[2].transaction, id);

    let as_ann = fixture
        .db
        .admin_as_user(because("for her"), fixture.ann_context());
    task::Entity::delete_many().exec(&as_ann).await.unwrap();

    let rows = recorded(&fixture).await;
    let user = rows[3].on_behalf_of.as_deref().unwrap();
    assert!(user.contains(&fixture.ann.to_string()), "{user}");
    assert_eq!(
        actors(&fixture).await,
        of_carol(&["alone", "text", "transaction", "for her"])
    );

    let undone = carol(&fixture, "undone").begin().await.unwrap();
    undone.rollback().await.unwrap();
    assert_eq!(recorded(&fixture).await.len(), 4);
}

#[tokio::test]
async fn transaction_that_refuses_writes_is_recorded_before() {
    let fixture = Fixture::signed(1).await;
    let options = Some(AccessMode::ReadOnly);
    let admin = carol(&fixture, "by option");
    let by_option = admin.begin_with_config(None, options).await.unwrap();
    let delete = task::Entity::delete_many().exec(&by_option).await;
    let error = RlsError::from(delete.unwrap_err());
    assert_eq!(error.sqlstate().as_deref(), Some("25006"), "{error:?}");
    drop(by_option);

    let only = fixture.db.admin_read_only(because("by type"));
    for access in [None, options, Some(AccessMode::ReadWrite)] {
        let transaction = only.begin_with_config(None, access).await.unwrap();
        let mode = text(
            &transaction,
            "SELECT current_setting('transaction_read_only')",
        );
        assert_eq!(mode.await, "on");
        transaction.commit().await.unwrap();
    }

    assert_eq!(actors(&fixture).await, of_carol(&["by type"; 3]));
}

/// What hidden code sets is not read, and nobody adds a row but by the function.
#[tokio::test]
async fn sql_cannot_record_another_actor() {
    let fixture = Fixture::signed(1).await;
    let forge = "CREATE FUNCTION forge(what text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
                   PERFORM set_config('rls.actor', 'bob', true);
                   IF what = 'function' THEN PERFORM rls_context_record('');
                   ELSE INSERT INTO rls_audit DEFAULT VALUES; END IF;
                   RETURN true; END $$";
    fixture.owner.execute_unprepared(forge).await.unwrap();
    let admin = carol(&fixture, "forged");

    let added = text(&admin, "SELECT forge('function')::text").await;
    assert_eq!(added, "true");
    let insert = Statement::from_string(DbBackend::Postgres, "SELECT forge('insert')");
    let error = RlsError::from(admin.query_one_raw(insert).await.unwrap_err());
    assert_eq!(error.sqlstate().as_deref(), Some("42501"), "{error:?}");

    for sql in [
        "INSERT INTO rls_audit DEFAULT VALUES",
        "INSERT INTO rls_audit (reason) VALUES ('in more words')",
        "INSERT INTO rls_audit (actor) VALUES ('bob')",
        "UPDATE rls_audit SET actor = 'bob'",
    ] {
        let error = RlsError::from(admin.execute_unprepared(sql).await.unwrap_err());
        assert_eq!(error.sqlstate().as_deref(), Some("42501"), "{sql}");
    }

    // Its own record, and the one that the function added.
    assert_eq!(actors(&fixture).await, of_carol(&["forged"; 2]));
}

/// Whoever has the password alone records nothing, and what a token says of someone else is refused.
#[tokio::test]
async fn login_without_a_key_records_nothing() {
    let fixture = Fixture::signed(1).await;
    let bare = bare(&fixture).await;
    let key = fixture.key.clone().unwrap();
    let soon = SystemTime::now() + Duration::from_mins(10);
    let app = fixture.config.app_role().as_str();
    let of_the_application = token(&key, app, soon, fixture.ann);

    let record = "SET rls.actor = 'bob'; SET rls.reason = 'x'; SELECT rls_context_record('')";
    for (context, state) in [("", "23502"), (&of_the_application, "22P02")] {
        let before = format!("SET rls.context = '{context}'; ");
        let sql = format!("{before}{record}");
        let error = RlsError::from(bare.execute_unprepared(&sql).await.unwrap_err());
        assert_eq!(error.sqlstate().as_deref(), Some(state), "{error:?}");
    }

    let insert = "INSERT INTO rls_audit DEFAULT VALUES";
    let error = RlsError::from(bare.execute_unprepared(insert).await.unwrap_err());
    assert_eq!(error.sqlstate().as_deref(), Some("42501"));
    assert!(recorded(&fixture).await.is_empty());
}

/// The privilege by which an administrator adds rows below `required`.
#[tokio::test]
async fn privilege_to_insert_is_found_and_taken_away() {
    let fixture = Fixture::signed(1).await;
    let doctor = Doctor::new(entities(), fixture.config.clone());
    let admin = fixture.config.admin_role();
    let grant = format!("GRANT INSERT (reason) ON rls_audit TO \"{admin}\"");
    let connect =
        || RlsConnection::connect_with(fixture.database.url(), fixture.config.clone(), entities());
    connect().await.unwrap();

    fixture.owner.execute_unprepared(&grant).await.unwrap();
    let RlsError::Gate(error) = connect().await.unwrap_err() else {
        panic!("the gate was open");
    };
    let [GateFinding::AuditOpen { role, .. }] = &error.findings[..] else {
        panic!("{error}");
    };
    assert_eq!(role, admin);

    let report = doctor.examine(&fixture.owner).await.unwrap();
    let open = |finding: &&Finding| finding.rule.id == "RLS502";
    let found = report.findings().iter().find(open).unwrap();
    let Remedy::Sql { statements, .. } = &found.remedy else {
        panic!("{}", found.remedy);
    };
    assert!(
        matches!(&statements[..], [only] if only.starts_with("REVOKE INSERT")),
        "{statements:?}"
    );

    RlsSchema::new(entities(), fixture.config.clone())
        .sync(&fixture.owner)
        .await
        .unwrap();
    connect().await.unwrap();
    let report = doctor.examine(&fixture.owner).await.unwrap();
    assert!(!report.findings().iter().any(|finding| open(&finding)));
}

#[tokio::test]
async fn ended_key_is_named_by_the_error() {
    let fixture = Fixture::signed(1).await;
    let key = fixture.key.clone().unwrap();
    RlsSchema::new(entities(), fixture.config.clone())
        .revoke_key(&fixture.owner, key.id())
        .await
        .unwrap();

    let admin = carol(&fixture, "late");
    let errors = [
        task::Entity::find().all(&admin).await.unwrap_err(),
        admin.begin().await.map(drop).unwrap_err(),
        admin.execute_unprepared("SELECT 1").await.unwrap_err(),
    ];
    for error in errors.map(RlsError::from) {
        assert!(
            matches!(&error, RlsError::ContextRefused { .. }),
            "{error:?}"
        );
    }

    assert!(recorded(&fixture).await.is_empty());
}

/// A program at `sent` is recorded before the step to `required`, after it, and after the way back.
#[tokio::test]
async fn program_that_sends_is_recorded_at_each_step() {
    let fixture = Fixture::signed(1).await;
    let required = RlsSchema::new(entities(), fixture.config.clone());
    let config = fixture.config.clone().signed_contexts(SignedContexts::Sent);
    let back = config.clone().danger_accept_weakening(true);
    RlsSchema::new(entities(), back.clone())
        .sync(&fixture.owner)
        .await
        .unwrap();

    let act = async |db: &RlsConnection, reason: &str| {
        let admin = db.admin(because(reason));
        task::Entity::find().all(&admin).await.unwrap();
        admin.begin().await.unwrap().commit().await.unwrap();
    };
    let connect =
        || RlsConnection::connect_with(fixture.database.url(), config.clone(), entities());

    let db = connect().await.unwrap();
    act(&db, "sent").await;
    required.sync(&fixture.owner).await.unwrap();
    act(&db, "required").await;
    act(&connect().await.unwrap(), "new").await;
    db.check_gate().await.unwrap();

    RlsSchema::new(entities(), back)
        .sync(&fixture.owner)
        .await
        .unwrap();
    act(&db, "back").await;
    let expected = [
        "sent", "sent", "required", "required", "new", "new", "back", "back",
    ];
    assert_eq!(actors(&fixture).await, of_carol(&expected));
}

/// The gate asks whether the function can add a row, not only whether it is there.
#[tokio::test]
async fn function_of_an_owner_that_can_add_no_row_is_found_at_start() {
    let fixture = Fixture::signed(1).await;
    let stranger = fixture.database.role("stranger");
    let give = format!(
        "CREATE ROLE \"{stranger}\"; ALTER FUNCTION rls_context_record(text) OWNER TO \"{stranger}\""
    );
    fixture.owner.execute_unprepared(&give).await.unwrap();

    let error = fixture.db.check_gate().await.unwrap_err();
    let RlsError::Gate(gate) = &error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(&gate.findings[..], [GateFinding::AuditMissing { .. }]),
        "{gate}"
    );
}

/// Of a begin, a text and a stream, each dropped at every point that it has: the one connection serves
/// the next administrator, and what is recorded is whole.
#[tokio::test]
async fn dropped_at_any_point_serves_the_next_administrator() {
    let fixture = Fixture::signed(1).await;
    let admin = carol(&fixture, "dropped");
    let only = fixture.db.admin_read_only(because("dropped"));
    task::Entity::find().all(&admin).await.unwrap();
    let statement = || Statement::from_string(DbBackend::Postgres, "SELECT 1");

    for step in 0..5 {
        let mut finished = false;
        for polls in 0..60 {
            let work = async {
                match step {
                    0 => drop(admin.begin().await.unwrap()),
                    1 => drop(only.begin().await.unwrap()),
                    2 => drop(
                        admin
                            .execute_unprepared("SELECT 1; SELECT 2")
                            .await
                            .unwrap(),
                    ),
                    3 => {
                        let mut rows = admin.stream_raw(statement()).await.unwrap();
                        while let Some(row) = rows.next().await {
                            row.unwrap();
                        }
                    }
                    _ => {
                        let user = fixture.ann_context();
                        let as_user = fixture.db.admin_as_user(because("dropped"), user);
                        as_user.begin().await.unwrap().commit().await.unwrap();
                    }
                }
            };
            finished = drop_after(polls, work).await.is_some();

            let before = recorded(&fixture).await.len();
            let next = carol(&fixture, "next").begin().await.unwrap();
            next.execute_unprepared("SELECT 1").await.unwrap();
            next.commit().await.unwrap();
            assert_eq!(recorded(&fixture).await.len(), before + 1, "{step} {polls}");
            if finished {
                break;
            }
        }
        assert!(finished, "{step}");
    }

    let told = recorded(&fixture).await;
    assert!(told.iter().all(|row| row.actor == "carol" && row.recent));
    let open = format!(
        "SELECT count(*)::text FROM pg_stat_activity
         WHERE usename = '{}' AND state LIKE 'idle in transaction%'",
        fixture.config.admin_role()
    );
    assert_eq!(text(&fixture.owner, &open).await, "0");
}

/// Whoever asks, of a plain owner's database or a superuser's.
#[tokio::test]
async fn nothing_is_left_to_plan_at_required_whoever_asks() {
    let (fixture, superuser) = Fixture::of_plain_owner(1).await;
    let config = fixture.config.clone();
    let sent = config.clone().signed_contexts(SignedContexts::Sent);
    let schema = |config: &RlsConfig| RlsSchema::new(entities(), config.clone());
    let required = config.signed_contexts(SignedContexts::Required);

    for (migrates, other) in [(&fixture.owner, &superuser), (&superuser, &fixture.owner)] {
        for config in [&sent, &required] {
            let config = config.clone().danger_accept_weakening(true);
            let schema = schema(&config);
            schema.sync(migrates).await.unwrap();
            schema.rotate_keys(migrates, Duration::ZERO).await.unwrap();
            for asks in [migrates, other] {
                let plan = schema.plan(asks).await.unwrap();
                assert!(plan.is_empty(), "{plan:?}");
            }
        }
    }
}
