//! One statement, one transaction: what carries a context to the server and takes it away again.
//!
//! A request begins in [`scoped`] or [`transaction`]. [`statement`] reads its text and refuses what
//! would end or change the context, [`begin`] writes the message that sets it, [`pool`] and [`lease`]
//! lend a connection, and [`operation`] runs the statement there. It ends with a commit or a
//! rollback in [`lease`]; a connection whose end is not certain is closed.

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
