//! The pages of `rls-derive/docs`, whose crate knows neither SeaORM nor the facade.

mod model;
mod rls_context;
mod rls_policies;
mod tenant_scoped;
mod test;
mod unscoped;
mod user_scoped;
