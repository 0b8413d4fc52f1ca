//! SQL text: the only place where names and values become part of a statement.

mod expression;
mod policy;
mod quote;

pub(crate) use expression::expression;
pub(crate) use policy::{alter_policy, comment_on_policy, create_policy};
pub(crate) use quote::{identifier, known_literal, literal, setting, table};
