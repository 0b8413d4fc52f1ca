//! What SeaORM's `ConnectOptions` do on an `RlsConnection`: FAULTS A17. The manual's table in
//! `pooling.md` says the same.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use sea_orm::sqlx::Executor;
use sea_orm::{ActiveModelTrait, ConnectOptions, ConnectionTrait, DbErr};
use sea_orm_rls::RlsConnection;

use crate::fixture::{Fixture, entities};
use crate::lane::new_task;
use crate::schema::text;

async fn connected(fixture: &Fixture, say: impl FnOnce(&mut ConnectOptions)) -> RlsConnection {
    let mut options = ConnectOptions::new(fixture.database.url());
    options.max_connections(1);
    say(&mut options);
    RlsConnection::connect_with(options, fixture.config.clone(), entities())
        .await
        .unwrap()
}

fn user(fixture: &Fixture) -> String {
    fixture.config.app_role().as_str().to_owned()
}

/// The URL's login is the tables' owner.
#[tokio::test]
async fn after_connect_runs_once_as_the_application() {
    let fixture = Fixture::new(1).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answers = Arc::clone(&asked);

    let db = connected(&fixture, |options| {
        options.after_connect(move |db| {
            let answers = Arc::clone(&answers);
            Box::pin(async move {
                let login = text(&db, "SELECT current_user::text").await;
                answers.lock().unwrap().push(login);
                Ok(())
            })
        });
    })
    .await;
    let admin = crate::admin::because("logs in");
    text(&db.admin(admin), "SELECT 'as the administrator'").await;

    assert_eq!(*asked.lock().unwrap(), [user(&fixture)]);
}

#[tokio::test]
async fn error_of_after_connect_is_that_of_connect() {
    let fixture = Fixture::new(1).await;
    let mut options = ConnectOptions::new(fixture.database.url());
    options.after_connect(|_| Box::pin(async { Err(DbErr::Custom("not today".to_owned())) }));

    let connected = RlsConnection::connect_with(options, fixture.config.clone(), entities());
    let error = connected.await.unwrap_err();
    assert!(error.to_string().contains("not today"), "{error}");
}

/// A context that `after_connect` leaves in the session is nobody's.
#[tokio::test]
async fn after_connect_gives_no_context() {
    let fixture = Fixture::new(1).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();
    let ann = fixture.ann;

    let db = connected(&fixture, |options| {
        options.after_connect(move |db| {
            let set = format!("SET app.user_id = '{ann}'");
            Box::pin(async move { db.execute_unprepared(&set).await.map(drop) })
        });
    })
    .await;

    let count = "SELECT count(*)::text FROM task";
    assert_eq!(text(&db.anonymous(), count).await, "0");
    assert_eq!(text(&db.scope(fixture.ann_context()), count).await, "1");
}

/// At each login, of both roles.
#[tokio::test]
async fn hooks_of_the_pool_run_at_each_login() {
    let fixture = Fixture::new(1).await;
    let db = connected(&fixture, |options| {
        options.map_sqlx_postgres_pool_opts(|pool| {
            pool.after_connect(|connection, _| {
                let set = "SET application_name = 'said by a hook'";
                Box::pin(async move { connection.execute(set).await.map(drop) })
            })
        });
    })
    .await;

    let name = "SELECT current_setting('application_name')";
    let admin = db.admin(crate::admin::because("logs in"));
    assert_eq!(text(&db.anonymous(), name).await, "said by a hook");
    assert_eq!(text(&admin, name).await, "said by a hook");
}

/// SeaORM quotes each name with the space before it.
#[tokio::test]
async fn search_path_holds_if_it_has_no_spaces() {
    let fixture = Fixture::new(1).await;
    for (path, is) in [
        ("public,extra", "public, extra"),
        ("public, extra", r#"public, " extra""#),
    ] {
        let db = connected(&fixture, |options| {
            options.set_schema_search_path(path);
        })
        .await;
        let shown = text(&db.anonymous(), "SELECT current_setting('search_path')").await;
        assert_eq!(shown, is);
    }
}

/// It may refuse a connection, which then is made anew.
#[tokio::test]
async fn before_acquire_sees_each_idle_connection() {
    let fixture = Fixture::new(1).await;
    let refused = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&refused);
    let db = connected(&fixture, |options| {
        options.map_sqlx_postgres_before_acquire(move |_, _| {
            let first = count.fetch_add(1, Ordering::Relaxed) == 0;
            Box::pin(async move { Ok(!first) })
        });
    })
    .await;

    let session = "SELECT pg_backend_pid()::text";
    let sessions = [
        text(&db.anonymous(), session).await,
        text(&db.anonymous(), session).await,
    ];
    assert_eq!(sessions[0], sessions[1]);
    assert!(refused.load(Ordering::Relaxed) >= 2);
}

/// A direct login is told from a pooler's by what sqlx sends with it. Without that, another
/// connection is asked, whose session is its own.
#[tokio::test]
async fn direct_connection_is_told_without_another_login() {
    let fixture = Fixture::new(1).await;
    for (digits, expected) in [(Some(2), 1), (None, 2)] {
        let logins = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&logins);

        let db = connected(&fixture, |options| {
            options
                .map_sqlx_postgres_opts(move |login| login.extra_float_digits(digits))
                .map_sqlx_postgres_pool_opts(move |pool| {
                    let counted = Arc::clone(&counted);
                    pool.after_connect(move |_, _| {
                        counted.fetch_add(1, Ordering::Relaxed);
                        Box::pin(async { Ok(()) })
                    })
                });
        })
        .await;

        assert_eq!(logins.load(Ordering::Relaxed), expected, "{digits:?}");
        db.close().await;
    }
}
