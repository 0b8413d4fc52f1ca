//! The order of the house and its documents, checked over the sources.

#[path = "house/docs.rs"]
mod docs;
#[path = "house/tree.rs"]
mod tree;
