//! How connections log in: passwords that change, names that differ from the role, encryption.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sea_orm::{ConnectOptions, ConnectionTrait, EntityTrait, PaginatorTrait};
use sea_orm_rls::{RlsConfig, RlsConnection, RlsError, UserContext};

use super::pooling::kill_all;
use crate::fixture::{Fixture, entities, task, user};

/// Passwords that the servers of a cloud would take: the last one alone.
#[derive(Clone, Default)]
struct Tokens {
    password: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Tokens {
    fn of(&self, config: &RlsConfig) -> RlsConfig {
        let tokens = self.clone();
        config.clone().password_provider(move |login| {
            let tokens = tokens.clone();
            async move {
                tokens.asked.fetch_add(1, Ordering::Relaxed);
                assert!(
                    login.user.starts_with("rls_") && login.port != 0 && !login.host.is_empty()
                );
                let password = tokens.password.lock().unwrap().clone();
                if password == "none" {
                    return Err("the token service does not answer".into());
                }

                Ok(password)
            }
        })
    }

    /// Makes both roles take this password alone, and all of their sessions end.
    async fn rotate(&self, fixture: &Fixture, password: &str) {
        for role in [fixture.config.app_role(), fixture.config.admin_role()] {
            let alter = format!("ALTER ROLE \"{role}\" PASSWORD '{password}'");
            fixture.database.execute(&alter).await.unwrap();
        }

        self.told(password);
        kill_all(fixture).await;
    }

    fn told(&self, password: &str) {
        password.clone_into(&mut self.password.lock().unwrap());
    }

    async fn connect(
        &self,
        fixture: &Fixture,
        connections: u32,
    ) -> Result<RlsConnection, RlsError> {
        let mut options = ConnectOptions::new(fixture.database.url());
        options.max_connections(connections);
        RlsConnection::connect_with(options, self.of(&fixture.config), entities()).await
    }
}

#[tokio::test]
async fn each_login_asks_for_its_password() {
    let fixture = Fixture::new(1).await;
    let tokens = Tokens::default();
    tokens.rotate(&fixture, "first").await;
    let db = tokens.connect(&fixture, 1).await.unwrap();
    let ann = db.scope(fixture.ann_context());
    assert_eq!(user::Entity::find().count(&ann).await.unwrap(), 1);

    for password in ["second", "third"] {
        // The pool has an idle connection, which is dead, so that sqlx itself logs in first.
        tokens.rotate(&fixture, password).await;
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        assert_eq!(user::Entity::find().count(&ann).await.unwrap(), 1);

        let admin = sea_orm_rls::AdminContext::new("tester", "counts").unwrap();
        let admin = db.admin(admin);
        assert_eq!(user::Entity::find().count(&admin).await.unwrap(), 2);
    }

    // Connections that are there need no password.
    let asked = tokens.asked.load(Ordering::Relaxed);
    for _ in 0..5 {
        assert_eq!(task::Entity::find().count(&ann).await.unwrap(), 0);
    }
    assert_eq!(tokens.asked.load(Ordering::Relaxed), asked);
    db.close().await;
}

#[tokio::test]
async fn login_without_a_password_fails_with_the_reason_and_recovers() {
    let fixture = Fixture::new(1).await;
    let tokens = Tokens::default();
    tokens.rotate(&fixture, "secret-token").await;
    let db = tokens.connect(&fixture, 2).await.unwrap();
    let ann = db.scope(UserContext::new(fixture.ann));

    // The password that the provider gives is no longer the role's.
    tokens.rotate(&fixture, "another-token").await;
    tokens.told("secret-token");
    let refused = async || RlsError::from(ann.execute_unprepared("SELECT 1").await.unwrap_err());
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let error = refused().await;
    assert!(matches!(error, RlsError::LoginRefused { .. }), "{error}");
    assert!(!error.to_string().contains("token"), "{error}");

    tokens.told("none");
    let error = refused().await;
    let said = error.to_string();
    assert!(matches!(error, RlsError::PasswordProvider { .. }), "{said}");
    assert!(said.contains("does not answer"), "{said}");
    assert!(said.contains(fixture.config.app_role().as_str()), "{said}");
    let error = tokens.connect(&fixture, 1).await.unwrap_err();
    assert!(
        matches!(error, RlsError::PasswordProvider { .. }),
        "{error}"
    );

    for unusable in ["", "a\0b"] {
        tokens.told(unusable);
        let error = refused().await;
        assert!(
            matches!(error, RlsError::PasswordProvider { .. }),
            "{error}"
        );
    }

    tokens.told("another-token");
    ann.execute_unprepared("SELECT 1").await.unwrap();
    db.close().await;
}

/// A server takes the name for the login's own, unlike a pooler; it then becomes the role.
#[tokio::test]
async fn login_may_have_a_longer_name_than_its_role() {
    let fixture = Fixture::new(1).await;
    let config = fixture.config.clone().login_suffix(".project").unwrap();
    let connect = async || {
        RlsConnection::connect_with(fixture.database.url(), config.clone(), entities()).await
    };

    let error = connect().await.unwrap_err();
    let named = format!("{}.project", config.app_role());
    assert!(matches!(error, RlsError::LoginRefused { .. }), "{error}");
    assert!(error.to_string().contains(&named), "{error}");

    for (role, password) in [
        (config.app_role(), "app password''\\"),
        (config.admin_role(), "admin password"),
    ] {
        let create = format!(
            "CREATE ROLE \"{role}.project\" LOGIN PASSWORD '{password}';
             GRANT \"{role}\" TO \"{role}.project\"; ALTER ROLE \"{role}.project\" SET role = '{role}'"
        );
        fixture.database.execute(&create).await.unwrap();
    }

    let db = connect().await.unwrap();
    let ann = db.scope(fixture.ann_context());
    assert_eq!(user::Entity::find().count(&ann).await.unwrap(), 1);
    let admin = sea_orm_rls::AdminContext::new("tester", "counts").unwrap();
    let admin = db.admin(admin);
    assert_eq!(user::Entity::find().count(&admin).await.unwrap(), 2);
    db.close().await;

    for role in [config.app_role(), config.admin_role()] {
        let drop = format!("DROP ROLE \"{role}.project\"");
        fixture.database.execute(&drop).await.unwrap();
    }
}

/// The tests' driver is built without TLS, and their server has none.
#[tokio::test]
async fn connection_that_cannot_be_encrypted_is_refused() {
    let fixture = Fixture::new(1).await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = fixture
            .database
            .url()
            .replace("sslmode=disable", &format!("sslmode={mode}"));
        assert!(url.contains(mode), "{url}");
        let error = RlsConnection::connect_with(url, fixture.config.clone(), entities())
            .await
            .unwrap_err();
        assert!(matches!(error, RlsError::Tls { .. }), "{mode}: {error}");
    }
}
