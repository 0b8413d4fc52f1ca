//! What is asked against what is: the changes between them, in the order in which they leave no gap.

mod role;
mod table;

pub(crate) use role::roles;
pub(crate) use table::{Table, check, tables};
