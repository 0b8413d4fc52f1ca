//! The errors: what is wrong, on which table, and what to do. [`RlsError`] holds all of them.

// May import `name`, `sqlstate`, `config`, `model`, `sql` and `entity`. The errors of plain data
// are defined there, and re-exported here.

mod gate;
mod refusal;
mod rls;
mod schema;

pub use gate::{GateError, GateFinding};
pub use refusal::{Refusal, RefusedBy};
pub use rls::RlsError;
pub use schema::{NoCopies, NotOnCitus, SchemaError};

pub use crate::config::ConfigError;
pub use crate::entity::DeclarationError;
pub use crate::model::context::ContextError;
pub use crate::model::policy::PolicyError;
pub use crate::name::NameError;
