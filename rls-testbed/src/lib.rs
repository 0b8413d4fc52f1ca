//! An ephemeral PostgreSQL for examples, tests and benches.
//!
//! [`server`] gives one server per process, and [`Server::database`] a fresh database on it:
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let database = rls_testbed::server()?.database("docs").await?;
//! let app = database.role("app_user");
//! database.execute(&format!("CREATE ROLE {app} LOGIN PASSWORD 'secret'")).await?;
//! let url = database.url_as(&app, "secret");
//! assert!(url.starts_with(&format!("postgres://{app}:secret@")));
//! # Ok::<(), rls_testbed::Error>(()) }).unwrap();
//! ```
//!
//! If `DATABASE_URL` is set, that server is used. Else PostgreSQL's programs are looked for
//! ([`Source`]), a cluster is made in memory if there is room, and a guard process removes it
//! when its owner is gone, however it went.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(clippy::pedantic)]
#![allow(
    clippy::doc_markdown,
    reason = "PostgreSQL and the like are names, not code"
)]

#[cfg(not(unix))]
compile_error!("testbed needs Unix: sockets, user ids and /bin/sh");

mod account;
mod address;
mod database;
mod error;
mod guard;
mod name;
mod npm;
mod programs;
#[cfg(feature = "proxy")]
mod proxy;
mod server;
mod settings;
mod shared;
mod source;
mod storage;
mod template;

pub use database::Database;
pub use error::Error;
#[cfg(feature = "proxy")]
pub use proxy::{Counter, Flight, Message, Proxy, ProxyBuilder};
pub use server::{Server, ServerBuilder};
pub use shared::server;
pub use source::Source;
pub use template::Template;
