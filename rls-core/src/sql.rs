//! SQL text: the only place where names and values become part of a statement.

mod audit;
mod change;
mod expression;
mod online;
mod policy;
mod quote;

pub(crate) use audit::{AUDIT_COLUMNS, AUDIT_GRANTED, create_audit, record};
pub(crate) use change::{by_hand, change};
pub(crate) use expression::expression;
pub(crate) use online::{Step, online};
pub(crate) use policy::{comment_on_policy, create_policy};
pub(crate) use quote::{identifier, literal, setting, table};
