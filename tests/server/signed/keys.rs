//! Keys: made, rotated under load, ended; and what a service meets that has the wrong one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use sea_orm::{
    ActiveModelTrait, ConnectOptions, ConnectionTrait, DbErr, EntityTrait, TransactionTrait,
};
use sea_orm_rls::error::{GateFinding, SchemaError};
use sea_orm_rls::signing::{SignedContexts, SigningKey};
use sea_orm_rls::{RlsConfig, RlsConnection, RlsError, RlsSchema, UserContext};

use super::new_task;
use super::token::{stranger, token};
use crate::fixture::{Fixture, entities, task};

fn schema(config: &RlsConfig) -> RlsSchema {
    RlsSchema::new(entities(), config.clone())
}

async fn connect(fixture: &Fixture, config: RlsConfig) -> Result<RlsConnection, RlsError> {
    let mut options = ConnectOptions::new(fixture.database.url());
    options.max_connections(4);
    RlsConnection::connect_with(options, config, entities()).await
}

fn findings(error: RlsError) -> Vec<GateFinding> {
    match error {
        RlsError::Gate(error) => error.findings,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn signed_contexts_are_required_only_once_there_is_a_key() {
    let fixture = Fixture::new(1).await;
    let required = fixture
        .config
        .clone()
        .signed_contexts(SignedContexts::Required);

    let none = schema(&required).keys(&fixture.owner).await.unwrap_err();
    assert!(
        matches!(none, RlsError::Schema(SchemaError::NoSigning { .. })),
        "{none}"
    );
    let none = schema(&required).sync(&fixture.owner).await.unwrap_err();
    assert!(
        matches!(none, RlsError::Schema(SchemaError::NoSigningKey)),
        "{none}"
    );
    assert!(matches!(
        connect(&fixture, required.clone()).await,
        Err(RlsError::Config(_))
    ));
    let unmade = required.clone().signing_keys(SigningKey::random());
    let found = findings(connect(&fixture, unmade).await.unwrap_err());
    assert!(
        found
            .iter()
            .any(|it| matches!(it, GateFinding::SigningMissing { .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn programs_that_sign_nothing_work_until_signatures_are_required() {
    let fixture = Fixture::new(1).await;
    let hers = new_task("ann's").insert(&fixture.ann()).await.unwrap();
    let old = fixture.connect_again().await;

    let sent = fixture.config.clone().signed_contexts(SignedContexts::Sent);
    schema(&sent).sync(&fixture.owner).await.unwrap();
    let key = schema(&sent)
        .rotate_keys(&fixture.owner, Duration::ZERO)
        .await
        .unwrap();
    let new = connect(&fixture, sent.clone().signing_keys(key.clone()))
        .await
        .unwrap();
    for db in [&old, &new] {
        let seen = task::Entity::find()
            .all(&db.scope(fixture.ann_context()))
            .await;
        assert_eq!(seen.unwrap(), std::slice::from_ref(&hers));
    }

    let required = sent.signed_contexts(SignedContexts::Required);
    let plan = schema(&required).sync(&fixture.owner).await.unwrap();
    assert!(!plan.is_empty());
    assert!(
        schema(&required)
            .plan(&fixture.owner)
            .await
            .unwrap()
            .is_empty()
    );
    let seen = task::Entity::find()
        .all(&new.scope(fixture.ann_context()))
        .await;
    assert_eq!(seen.unwrap(), [hers]);
    let seen = task::Entity::find()
        .all(&old.scope(fixture.ann_context()))
        .await;
    assert!(seen.unwrap().is_empty(), "closed, not open");
}

#[tokio::test]
async fn service_with_a_key_that_does_not_hold_does_not_start_and_reads_nothing() {
    let fixture = Fixture::signed(1).await;
    let key = fixture.key.clone().unwrap();
    new_task("ann's").insert(&fixture.ann()).await.unwrap();

    let unknown = fixture.config.clone().signing_keys(SigningKey::random());
    let error = connect(&fixture, unknown).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::ContextRefused { key, .. } if key == "unknown"),
        "{error}"
    );

    let wrong = fixture.config.clone().signing_keys(stranger(&key));
    let error = connect(&fixture, wrong).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::ContextRefused { key: named, .. } if named == key.id()),
        "{error}"
    );

    // A service that runs learns it from an error, and not from rows that are not there.
    schema(&fixture.config)
        .revoke_key(&fixture.owner, key.id())
        .await
        .unwrap();
    let ann = fixture.ann();
    let refused = |error: DbErr| match RlsError::from(error) {
        RlsError::ContextRefused { .. } => {}
        other => panic!("{other:?}"),
    };
    refused(task::Entity::find().all(&ann).await.unwrap_err());
    refused(new_task("late").insert(&ann).await.unwrap_err());
    let transaction = ann.begin().await.unwrap();
    refused(task::Entity::find().all(&transaction).await.unwrap_err());
    transaction.rollback().await.unwrap();
    assert!(fixture.db.check_gate().await.is_err());

    let unknown = schema(&fixture.config)
        .revoke_key(&fixture.owner, "nonesuch")
        .await;
    assert!(matches!(
        unknown,
        Err(RlsError::Schema(SchemaError::NoSuchKey { .. }))
    ));
}

#[tokio::test]
async fn key_that_the_application_reaches_is_found_and_taken_away() {
    let fixture = Fixture::signed(1).await;
    let app = fixture.config.app_role();
    let open = format!("GRANT SELECT ON rls_signing_key TO \"{app}\"");
    fixture.owner.execute_unprepared(&open).await.unwrap();
    let found = findings(fixture.db.check_gate().await.unwrap_err());
    assert!(
        matches!(found.as_slice(), [GateFinding::ReachesKeys { .. }]),
        "{found:?}"
    );
    schema(&fixture.config).sync(&fixture.owner).await.unwrap();
    fixture.db.check_gate().await.unwrap();

    let alter = "CREATE OR REPLACE VIEW rls_signed_context AS SELECT '{}'::jsonb AS settings";
    fixture.owner.execute_unprepared(alter).await.unwrap();
    let found = findings(fixture.db.check_gate().await.unwrap_err());
    assert!(
        matches!(found.as_slice(), [GateFinding::SigningAltered { .. }]),
        "{found:?}"
    );
    schema(&fixture.config).sync(&fixture.owner).await.unwrap();
    fixture.db.check_gate().await.unwrap();
    assert!(
        schema(&fixture.config)
            .plan(&fixture.owner)
            .await
            .unwrap()
            .is_empty()
    );
}

/// The application's, whose policies read it, and the administrator's, whose record is made of it.
#[tokio::test]
async fn login_that_cannot_carry_a_signed_context_does_not_start() {
    let fixture = Fixture::signed(1).await;
    let revoke = "REVOKE EXECUTE ON FUNCTION set_config(text, text, boolean) FROM PUBLIC";
    fixture.owner.execute_unprepared(revoke).await.unwrap();

    let roles = [fixture.config.app_role(), fixture.config.admin_role()];
    for left in [&roles[..], &roles[1..]] {
        let found = findings(connect(&fixture, fixture.config.clone()).await.unwrap_err());
        let named: Vec<_> = found
            .iter()
            .map(|finding| match finding {
                GateFinding::ContextNotVerified { role } => role,
                _ => panic!("{found:?}"),
            })
            .collect();
        assert_eq!(named, left);

        let said = found[0].to_string();
        let (_, remedy) = said.split_once('`').unwrap().1.split_once("run `").unwrap();
        let remedy = remedy.trim_end_matches('`');
        fixture.owner.execute_unprepared(remedy).await.unwrap();
    }

    let db = connect(&fixture, fixture.config.clone()).await.unwrap();
    let admin = db.admin(crate::admin::because("carried"));
    task::Entity::find().all(&admin).await.unwrap();
    assert_eq!(crate::admin::recorded(&fixture).await.len(), 1);
}

/// Nobody writes through the view, and what lets a role read the keys by a membership is found.
#[tokio::test]
async fn keys_are_reached_neither_by_the_view_nor_by_a_membership() {
    let fixture = Fixture::signed(1).await;
    let (app, reader) = (fixture.config.app_role(), fixture.database.role("reader"));
    let grant = format!(
        "GRANT ALL ON rls_signed_context TO \"{app}\"; CREATE ROLE \"{reader}\";
         GRANT SELECT (inner_pad) ON rls_signing_key TO \"{reader}\"; GRANT \"{reader}\" TO \"{app}\""
    );
    fixture.owner.execute_unprepared(&grant).await.unwrap();
    let found = findings(fixture.db.check_gate().await.unwrap_err());
    assert!(
        found
            .iter()
            .any(|it| matches!(it, GateFinding::ReachesKeys { .. })),
        "{found:?}"
    );

    let delete = fixture
        .owner
        .execute_unprepared("DELETE FROM rls_signed_context")
        .await;
    assert!(
        delete
            .unwrap_err()
            .to_string()
            .contains("cannot delete from view")
    );

    schema(&fixture.config).sync(&fixture.owner).await.unwrap();
    fixture.db.check_gate().await.unwrap();
    assert!(
        schema(&fixture.config)
            .plan(&fixture.owner)
            .await
            .unwrap()
            .is_empty()
    );
}

/// A switch that is left out must not take signatures off all policies.
#[tokio::test]
async fn way_back_from_required_needs_consent() {
    let fixture = Fixture::signed(1).await;
    let sent = fixture.config.clone().signed_contexts(SignedContexts::Sent);
    let refused = schema(&sent).sync(&fixture.owner).await.unwrap_err();
    assert!(
        matches!(refused, RlsError::Schema(SchemaError::Weakens { .. })),
        "{refused}"
    );

    // The program that is to be replaced starts and runs meanwhile.
    connect(&fixture, sent.clone())
        .await
        .unwrap()
        .check_gate()
        .await
        .unwrap();
    let accepted = schema(&sent).danger_accept_weakening(true);
    accepted.sync(&fixture.owner).await.unwrap();
    let hers = new_task("ann's").insert(&fixture.ann()).await.unwrap();
    assert_eq!(
        task::Entity::find().all(&fixture.ann()).await.unwrap(),
        [hers]
    );
}

#[tokio::test]
async fn default_privileges_open_no_keys() {
    let fixture = Fixture::new(1).await;
    let (app, reader) = (fixture.config.app_role(), fixture.database.role("reader"));
    let grants = format!(
        "CREATE ROLE \"{reader}\"; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO \"{app}\", \"{reader}\", PUBLIC"
    );
    fixture.owner.execute_unprepared(&grants).await.unwrap();

    let sent = fixture.config.clone().signed_contexts(SignedContexts::Sent);
    schema(&sent).sync(&fixture.owner).await.unwrap();
    assert!(schema(&sent).plan(&fixture.owner).await.unwrap().is_empty());
    let open = "SELECT count(*)::text FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.relname = 'rls_signing_key' AND a.grantee <> c.relowner";
    assert_eq!(crate::schema::text(&fixture.owner, open).await, "0");
}

/// The rotation of a service whose keys come from a provider: each key ends after the next one is made.
/// Four rotations, each after a second; `RLS_TEST_ROTATIONS` says how many, each after five seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotation_under_load_refuses_no_request() {
    let (rotations, pause) = match std::env::var("RLS_TEST_ROTATIONS") {
        Ok(said) => (said.parse().unwrap(), Duration::from_secs(5)),
        Err(_) => (4, Duration::from_secs(1)),
    };
    let fixture = Fixture::signed(1).await;
    let current = Arc::new(Mutex::new(fixture.key.clone().unwrap()));
    let provider = {
        let current = Arc::clone(&current);
        move || current.lock().unwrap().clone()
    };
    let db = connect(&fixture, fixture.config.clone().signing_keys(provider))
        .await
        .unwrap();
    let hers = new_task("ann's")
        .insert(&db.scope(UserContext::new(fixture.ann)))
        .await
        .unwrap();

    let done = Arc::new(AtomicBool::new(false));
    let answers = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (db, done, answers, hers) =
                (db.clone(), done.clone(), answers.clone(), hers.clone());
            let context = UserContext::new(fixture.ann);
            tokio::spawn(async move {
                let ann = db.scope(context);
                while !done.load(Ordering::Relaxed) {
                    let seen = task::Entity::find().all(&ann).await.unwrap();
                    assert_eq!(seen, std::slice::from_ref(&hers));
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();

    let rls = schema(&fixture.config);
    let login = fixture.config.app_role().as_str();
    let mut ended = Vec::new();
    for _ in 0..rotations {
        let key = rls
            .rotate_keys(&fixture.owner, Duration::from_millis(500))
            .await
            .unwrap();
        let old = std::mem::replace(&mut *current.lock().unwrap(), key);
        tokio::time::sleep(pause).await;

        // The key before is past its end.
        let soon = SystemTime::now() + Duration::from_mins(1);
        ended.push(token(&old, login, soon, fixture.ann));
    }

    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    let answers = answers.load(Ordering::Relaxed);
    println!("{rotations} rotations, each after {pause:?}: {answers} answers, none refused");
    assert!(answers > 100);

    let app = fixture.database.url_as(login, "app password'\\");
    let app = sea_orm::Database::connect(app).await.unwrap();
    for token in ended {
        let transaction = app.begin().await.unwrap();
        let ann = fixture.ann;
        let set = format!("SET LOCAL rls.context = '{token}'; SET LOCAL app.user_id = '{ann}'");
        transaction.execute_unprepared(&set).await.unwrap();
        let read = "SELECT title FROM task";
        let refused = transaction.execute_unprepared(read).await.unwrap_err();
        assert!(
            refused.to_string().contains("rls_context_refused"),
            "{refused}"
        );
    }

    let holds = rls
        .keys(&fixture.owner)
        .await
        .unwrap()
        .iter()
        .filter(|key| key.holds)
        .count();
    assert_eq!(holds, 1);
}
