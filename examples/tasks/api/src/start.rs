//! From the configuration to a service that listens, and back.

use std::error::Error;
use std::io::{ErrorKind, Write, stdout};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use sea_orm::ConnectOptions;
use sea_orm_rls::axum::Problem;
use sea_orm_rls::{RlsConfig, RlsConnection};
use tasks_entity::user;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::app::{App, Newcomer};
use crate::config::{Config, Login};
use crate::demo::{self, Demo};
use crate::token::Tokens;
use crate::{account, route, worker};

/// How long requests may go on after the word to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves until SIGINT or SIGTERM; requests that have begun are answered.
pub async fn run(mut config: Config) -> Result<(), Box<dyn Error>> {
    let demo = match &config.database {
        None => Some(Demo::start().await?),
        Some(_) => None,
    };

    let tokens = Tokens::new(secret(&config, demo.is_some())?.as_bytes());
    let db = match (&config.database, &demo) {
        (Some(url), _) => RlsConnection::connect(options(url), RlsConfig::from_env()?).await?,
        (None, Some(demo)) => {
            RlsConnection::connect(options(&demo.url), demo.config.clone()).await?
        }
        (None, None) => unreachable!("without a database there is one of its own"),
    };

    let app = App::new(db.clone(), tokens);
    let password = match demo {
        Some(_) => demo::fill(&app, &db, &mut config).await?,
        None => String::new(),
    };

    first_users(&app, &db, &config).await?;

    let listener = listen(&config, demo.is_some()).await?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");

    if demo.is_some() {
        let introduction = demo::introduce(&app, &db, &config, &password, address).await?;
        // Nobody may be reading, which is no reason to stop.
        let _ = writeln!(stdout(), "{introduction}");
    }

    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(worker::run(db.clone(), config.worker, stopped.clone()));
    let mut until = stopped.clone();
    let serving = axum::serve(listener, route::router(app)).with_graceful_shutdown(async move {
        let _ = until.wait_for(|stop| *stop).await;
    });
    let mut serving = tokio::spawn(async move { serving.await });

    tokio::select! {
        ended = &mut serving => ended??,
        () = told_to_stop() => {
            tracing::info!("stopping");
            stop.send_replace(true);
            if timeout(PATIENCE, serving).await.is_err() {
                tracing::warn!("some requests did not end in time");
            }
        }
    }
    stop.send_replace(true);
    if timeout(PATIENCE, worker).await.is_err() {
        tracing::warn!("the worker did not end in time");
    }

    // It waits for connections in use, which a request that did not end keeps.
    if timeout(PATIENCE, db.close()).await.is_err() {
        tracing::warn!("some connections to the database were not given back in time");
    }

    Ok(())
}

/// The name stands in the record of what administrators do.
fn options(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.set_application_name("tasks-api");
    options
}

fn secret(config: &Config, demo: bool) -> Result<String, &'static str> {
    match &config.secret {
        Some(secret) => Ok(secret.0.clone()),
        None if demo => {
            tracing::warn!(
                "JWT_SECRET is not set: tokens are signed with a new one, and end with this process"
            );
            Ok(demo::random())
        }
        None => Err("JWT_SECRET is not set: give it 32 bytes or more, the same at each start"),
    }
}

async fn first_users(app: &App, db: &RlsConnection, config: &Config) -> Result<(), Problem> {
    if let Some(Login { email, password }) = &config.first_user {
        let newcomer = Newcomer::at_start(db.clone());
        unless_there(account::add(&newcomer, &app.passwords, email, password.0.clone()).await)?;
    }

    if let Some(Login { email, password }) = &config.first_superuser {
        unless_there(account::add_superuser(db, &app.passwords, email, password.0.clone()).await)?;
    }

    Ok(())
}

fn unless_there(added: Result<user::Model, Problem>) -> Result<(), Problem> {
    match added {
        Err(problem) if problem.code() != "already_exists" => Err(problem),
        _ => Ok(()),
    }
}

async fn listen(config: &Config, demo: bool) -> Result<TcpListener, String> {
    let address = config
        .listen
        .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)));
    let bound = match TcpListener::bind(address).await {
        Err(error) if demo && config.listen.is_none() && error.kind() == ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
        }
        bound => bound,
    };

    bound.map_err(|error| {
        format!("cannot listen on {address}: {error}; name another address in LISTEN")
    })
}

async fn told_to_stop() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };

    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}
