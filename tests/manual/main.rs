//! The examples of the README, the manual and the derives' documentation: one module per page.
//!
//! The lines between `// snippet` and `// end` are a Rust block of the page, in the page's order;
//! `tests/house/docs.rs` compares the two. A line that ends in `// hidden` is not on the page.
#![allow(
    dead_code,
    unnameable_types,
    unreachable_pub,
    unused_imports,
    clippy::unnecessary_literal_bound,
    clippy::wildcard_imports,
    reason = "an example is a part of a program"
)]

mod administrators;
mod adopting;
mod background;
mod checking;
mod citus;
mod contexts;
mod derives;
mod entities;
mod first_steps;
mod migrations;
mod patterns;
mod policies;
mod pooling;
mod readme;
mod services;
mod signed_contexts;
mod testing;
mod troubleshooting;
mod why;
mod world;

type Tested = Result<(), Box<dyn std::error::Error>>;
