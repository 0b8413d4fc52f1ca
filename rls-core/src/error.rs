//! What the server can answer, and what to do about it.

mod gate;
mod rls;
mod schema;

pub use gate::{GateError, GateFinding};
pub use rls::RlsError;
pub use schema::SchemaError;

pub use crate::config::ConfigError;
pub use crate::entity::DeclarationError;
pub use crate::model::context::ContextError;
pub use crate::model::policy::PolicyError;
pub use crate::name::NameError;
