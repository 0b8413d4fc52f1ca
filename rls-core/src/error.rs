//! All that can fail, and what to do about it.

mod config;
mod context;
mod declaration;
mod gate;
mod name;
mod policy;
mod rls;
mod schema;
pub(crate) mod sqlstate;

pub use config::ConfigError;
pub use context::ContextError;
pub use declaration::DeclarationError;
pub use gate::{GateError, GateFinding};
pub use name::NameError;
pub use policy::PolicyError;
pub use rls::RlsError;
pub use schema::SchemaError;
