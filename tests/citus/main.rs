//! Isolation on a Citus cluster that `CITUS_DATABASE_URL` names: the URL of a superuser on the
//! coordinator, in a database that has the extension and workers.
//!
//! ```sh
//! CITUS_DATABASE_URL=postgres://postgres@127.0.0.1:5432/app cargo test --test citus
//! ```
#![allow(
    unreachable_pub,
    unnameable_types,
    reason = "nothing is outside of a test"
)]

mod attacks;
mod bound;
mod cluster;
mod distributing;
mod isolation;
mod plans;
mod refused;
mod shapes;
mod tools;
