//! Runs one statement or one transaction in a context.
//!
//! A request begins in [`scoped`] (a statement) or [`transaction`]. [`statement`] reads its text
//! and refuses what would change the context or outlive it, and [`carrier`] has the context as it
//! is sent with each statement. [`sessions`] has the pool of a login, and [`at_login`] decides how
//! its connections log in. [`alone`] sends a statement that is a transaction of its own; [`lease`]
//! holds the connection of any other, and ends its transaction. [`operation`] runs a statement on a
//! connection. A connection in an unknown state is closed.

// May import every room that stands before it in lib.rs; knows nothing of `schema`.

pub(crate) mod alone;
pub(crate) mod at_login;
pub(crate) mod borrowed;
pub(crate) mod carrier;
pub(crate) mod cluster;
pub(crate) mod engine;
pub(crate) mod granted;
pub(crate) mod hosts;
pub(crate) mod lease;
pub(crate) mod observe;
pub(crate) mod operation;
pub(crate) mod own;
pub(crate) mod pool;
pub(crate) mod question;
pub(crate) mod replay;
#[cfg(feature = "rbac")]
pub(crate) mod restricted;
pub(crate) mod role;
pub(crate) mod scoped;
pub(crate) mod sessions;
pub(crate) mod signer;
pub(crate) mod statement;
pub(crate) mod stream;
pub(crate) mod transaction;
