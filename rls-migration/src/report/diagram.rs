//! Which rows belong to which, as a drawing: users and tenants on top, what belongs to them below.

mod draw;
mod graph;
mod layer;
mod measure;
mod place;
mod route;

pub(super) use draw::svg;
pub(super) use graph::{Graph, shown};

#[cfg(test)]
mod tests;
