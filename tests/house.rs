//! The order of the house, checked over its sources.

#[path = "house/tree.rs"]
mod tree;
