//! SQL text: the only place where names and values become part of a statement.

mod change;
mod expression;
mod quote;

pub(crate) use change::change;
pub(crate) use expression::{create_policy, expression};
pub(crate) use quote::{identifier, literal, setting, table};
