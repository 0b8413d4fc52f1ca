//! With what else SeaORM has: its role-based access control, mocks, proxies, schema sync and
//! generated entities.

mod doubles;
mod generated;
mod inherent;
mod options;
mod rbac;
