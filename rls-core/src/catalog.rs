//! The catalog: what the database holds, read into the same types as what is asked for.
//!
//! Everything here runs inside one transaction of the caller's, with `search_path` at `pg_catalog`, so that the
//! server prints every expression the same way.

mod canonical;
mod path;
mod policy;
mod query;
mod read;
mod role;
mod version;

pub(crate) use canonical::{Canonical, CanonicalTable, canonical};
pub(crate) use path::SearchPath;
pub(crate) use policy::{POLICY_COLUMNS, POLICY_JOINS, policy};
pub(crate) use query::QUICK;
pub(crate) use read::{Relation, others, policies, read, schema_usage};
pub(crate) use role::{ActualRole, roles};
pub(crate) use version::{CAN_IDENTIFY, REFERS, version};
