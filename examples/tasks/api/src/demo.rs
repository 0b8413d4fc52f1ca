//! A database of the service's own, migrated, with users and tasks: nothing needs to be set up.

use std::error::Error;
use std::net::SocketAddr;

use sea_orm::{ActiveModelTrait, Database, Set};
use sea_orm_migration::MigratorTraitSelf;
use sea_orm_rls::migration::RlsMigrator;
use sea_orm_rls::{Registry, RlsConfig, RlsConnection, UserContext};
use tasks_entity::task;
use tasks_migration::Migrator;
use testbed::Server;
use uuid::Uuid;

use crate::account;
use crate::app::{App, Newcomer, REASON};
use crate::config::{Config, Login, Secret};

/// Gone when this is dropped, or the process ends.
pub struct Demo {
    pub url: String,
    pub config: RlsConfig,
    _server: Server,
}

impl Demo {
    /// Starts PostgreSQL and migrates, as `tasks-migration up` does if there is a database.
    pub async fn start() -> Result<Self, Box<dyn Error>> {
        let server = tokio::task::spawn_blocking(|| Server::builder().own().start()).await??;
        let database = server.database("tasks").await?;
        let config = RlsConfig::from_env()?
            .app_login(&database.role("rls_app_user"), &random())?
            .admin_login(&database.role("rls_maintenance_admin"), &random())?;
        let owner = Database::connect(database.url()).await?;

        RlsMigrator::with(Migrator, Registry::linked()?, config.clone())
            .up(&owner, None)
            .await?;
        owner.close().await?;

        Ok(Self {
            url: database.url(),
            config,
            _server: server,
        })
    }
}

/// A text that nobody guesses.
pub fn random() -> String {
    [Uuid::new_v4(), Uuid::new_v4()]
        .map(|part| part.simple().to_string())
        .concat()
}

/// Users if the environment names none, two tasks of the first, and one that another shares.
/// Gives the first user's password as it stands between a shell's `'`: one from the environment is
/// not printed.
pub async fn fill(
    app: &App,
    db: &RlsConnection,
    config: &mut Config,
) -> Result<String, Box<dyn Error>> {
    let is_given = config.first_user.is_some();
    let login = |email: &str| Login {
        email: email.to_owned(),
        password: Secret(random()),
    };

    let user = config
        .first_user
        .get_or_insert_with(|| login("ann@example.org"))
        .clone();

    config
        .first_superuser
        .get_or_insert_with(|| login("root@example.org"));

    let password = if is_given {
        r#"'"$FIRST_USER_PASSWORD"'"#.to_owned()
    } else {
        user.password.0.clone()
    };

    let newcomer = Newcomer::at_start(db.clone());
    for (login, titles, is_shared) in [
        (user, ["water the plants", "call Bob"].as_slice(), false),
        (login("bob@example.org"), &["fix the roof"], true),
    ] {
        let user = account::add(&newcomer, &app.passwords, &login.email, login.password.0).await?;
        let mine = db.scope(UserContext::new(user.id));

        for title in titles {
            let task = task::ActiveModel {
                id: Set(Uuid::new_v4()),
                title: Set((*title).to_owned()),
                is_shared: Set(is_shared),
                ..Default::default()
            };
            task.insert(&mine).await?;
        }
    }

    Ok(password)
}

/// Three requests to begin with: a login, a user's tasks, an administrator's.
pub async fn introduce(
    app: &App,
    db: &RlsConnection,
    config: &Config,
    password: &str,
    address: SocketAddr,
) -> Result<String, Box<dyn Error>> {
    let (Some(user), Some(superuser)) = (&config.first_user, &config.first_superuser) else {
        return Ok(String::new());
    };
    let email = account::address(&user.email)?;

    // As JSON, between the shell's quotes.
    let quoted = format!("{email:?}").replace('\'', r"'\''");
    let token = token(app, db, user).await?;
    let root = self::token(app, db, superuser).await?;

    Ok(format!(
        "\
Try it; {email} and others are made anew at each start:

curl -s http://{address}/login -H 'content-type: application/json' -d \
'{{\"email\":{quoted},\"password\":\"{password}\"}}'
curl -s http://{address}/tasks -H 'authorization: Bearer {token}'
curl -s http://{address}/admin/tasks -H 'authorization: Bearer {root}' -H '{REASON}: a look around'
"
    ))
}

async fn token(app: &App, db: &RlsConnection, login: &Login) -> Result<String, Box<dyn Error>> {
    let newcomer = Newcomer::at_start(db.clone());
    let known = newcomer
        .credential(&account::address(&login.email)?)
        .await?
        .ok_or("the user was just added")?;
    Ok(app.tokens.issue(known.user_id)?)
}
