//! SQL text: quotes names and values, and writes the SQL of expressions and policies. Every name or
//! value that is not a constant of this crate goes through here.

// May import `name`, `config` and `model`. The statements of a plan are made in `schema::render`,
// those that begin a transaction in `request::begin`.

mod expression;
mod policy;
pub(crate) mod quote;
mod signed;

pub(crate) use expression::expression;
pub(crate) use policy::{alter_policy, comment_on_policy, create_policy};
pub(crate) use quote::{identifier, known_literal, literal, setting, table};
pub(crate) use signed::{printed_definition, verified_definition};

/// Whether the login may ask for the cluster's identifier. Everyone may, unless that was revoked.
pub(crate) const CAN_IDENTIFY: &str =
    "pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')";

/// Whether the database has Citus: its extension and its table of nodes, not only the library beside
/// the server.
pub(crate) const IS_CITUS: &str = "pg_catalog.to_regclass('pg_catalog.pg_dist_node') IS NOT NULL AND \
     EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) \
     'citus'::pg_catalog.name)";
