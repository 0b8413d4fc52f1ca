//! What is asked against what is: the changes between them, in the order in which they leave no
//! gap.

mod audit;
mod column;
mod fingerprint;
mod force;
mod policy;
mod privilege;
mod role;
mod table;

pub(crate) use audit::audit;
pub(crate) use fingerprint::stale;
pub(crate) use role::{check as check_roles, roles};
pub(crate) use table::{Table, check, check_parents, tables};
