//! The catalog: reads the actual state of a database.
//!
//! All of it runs in a transaction of the caller's, with `search_path` at `pg_catalog`, so that the
//! server prints every expression the same way.

mod audit;
mod canonical;
mod distribution;
mod domain;
mod granted;
pub(crate) mod names;
mod online;
mod path;
mod policy;
pub(crate) mod query;
mod read;
pub(crate) mod relation;
pub(crate) mod role;
mod security;
mod session;
mod signing;
mod snapshot;
mod standing;
mod used;
mod version;

pub(crate) use canonical::{canonical, unready};
pub(crate) use distribution::{distributed, is_citus};
pub(crate) use domain::{DOMAIN_FITS, RecordsAs, domains_as_rows, function_fits};
pub(crate) use granted::verify_grants;
pub(crate) use online::{IndexNamed, check_named, index_named, partitioned};
pub(crate) use path::SearchPath;
pub(crate) use policy::{POLICY_COLUMNS, POLICY_JOINS, policy};
pub(crate) use query::QUICK;
#[cfg(feature = "doctor")]
pub(crate) use read::read;
pub(crate) use read::{pending, policies};
pub(crate) use role::roles;
pub(crate) use security::{Security, named, secured};
pub(crate) use session::{Session, begin};
pub(crate) use signing::{keys_fit, verified_fits};
pub(crate) use snapshot::snapshot;
pub(crate) use standing::{
    Dropped, Standing, definitions, forced_on_us, grants_on, standing, table_of,
};
pub(crate) use used::used_names;
pub(crate) use version::{REFERS, version};
