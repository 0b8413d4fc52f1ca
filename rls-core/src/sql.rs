//! SQL text: quotes names and values, and makes the SQL of expressions and policies. Every
//! statement of this crate takes its names and literals from here.
//!
//! May import `name`, `config` and `model`. The statements of a plan are made in `schema::render`,
//! those that begin a transaction in `request::begin`.

mod expression;
mod policy;
mod quote;

pub(crate) use expression::expression;
pub(crate) use policy::{alter_policy, comment_on_policy, create_policy};
pub(crate) use quote::{identifier, literal, setting, table};
