//! Changes of a plan as SQL.

mod audit;
mod change;
mod online;

pub(crate) use audit::{AUDIT_COLUMNS, AUDIT_GRANTED, create_audit, record};
pub(crate) use change::{by_hand, change};
pub(crate) use online::{Step, online};
