//! The order of the house and its documents, checked over the sources.

#[path = "house/docs.rs"]
mod docs;
#[path = "house/limits.rs"]
mod limits;
#[path = "house/tree.rs"]
mod tree;
