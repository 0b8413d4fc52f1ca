//! With what else SeaORM has: its role-based access control, mocks, proxies, schema sync and
//! generated entities; a project that `cargo rls init` changed; sqlx's functions and notifications.

mod doubles;
mod functions;
mod generated;
mod inherent;
mod initialised;
mod listen;
mod options;
mod rbac;
mod synced;
