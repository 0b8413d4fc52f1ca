//! With what else SeaORM has: its role-based access control, mocks, proxies, schema sync and
//! generated entities; a project that `cargo rls init` changed.

mod doubles;
mod generated;
mod inherent;
mod initialised;
mod options;
mod rbac;
