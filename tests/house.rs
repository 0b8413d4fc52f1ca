//! The order of the house, checked over its sources.

#[path = "house/docs.rs"]
mod docs;
