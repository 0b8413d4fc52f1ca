//! Runs one statement or one transaction in a context.
//!
//! A request begins in [`scoped`] (a statement) or [`transaction`]. [`statement`] reads its text
//! and refuses what would end or change the context, [`begin`] writes the message that sets the
//! context, [`pool`] and [`lease`] take a connection, and [`operation`] runs the statement on it.
//! The request ends in [`lease`] with a commit or a rollback. A connection in an unknown state is
//! closed.

// May import every room that stands before it in lib.rs; knows nothing of `schema`.

pub(crate) mod begin;
pub(crate) mod lease;
pub(crate) mod observe;
pub(crate) mod operation;
pub(crate) mod pool;
pub(crate) mod question;
pub(crate) mod resting;
#[cfg(feature = "rbac")]
pub(crate) mod restricted;
pub(crate) mod role;
pub(crate) mod scoped;
pub(crate) mod statement;
pub(crate) mod stream;
pub(crate) mod transaction;
