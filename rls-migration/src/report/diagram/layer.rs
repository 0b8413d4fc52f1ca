use std::collections::BTreeSet;

use rls_core::Holder;

use super::graph::{Edge, Graph, NodeKind};
use super::measure::Shape;

/// The widest a row of boxes becomes: on paper, names are still read.
pub(super) const WIDEST: i32 = 880;

/// The room between boxes.
pub(super) const GAP: i32 = 26;

/// Which nodes stand in which row, top to bottom, and which edges lead upwards past it all.
pub(super) struct Rows {
    pub(super) rows: Vec<Vec<usize>>,
    /// The row of each node.
    pub(super) of: Vec<usize>,
    /// The edges that close a circle.
    pub(super) back: BTreeSet<usize>,
}

impl Rows {
    pub(super) fn new(graph: &Graph, shapes: &[Shape]) -> Self {
        let back = circles(graph);
        let forward: Vec<&Edge> = graph
            .edges
            .iter()
            .enumerate()
            .filter(|(at, _)| !back.contains(at))
            .map(|(_, edge)| edge)
            .collect();

        let mut depths = vec![None; graph.nodes.len()];
        for node in 0..graph.nodes.len() {
            depth(node, &forward, &mut depths);
        }

        let is_alone = |node: usize| {
            graph
                .edges
                .iter()
                .all(|edge| edge.child != node && edge.parent != node)
        };

        let deepest = depths.iter().copied().flatten().max().unwrap_or_default();

        // What belongs to nobody by a column stands below the rest.
        let layer = |node: usize| match graph.nodes[node].kind {
            NodeKind::OwnPolicies if is_alone(node) => deepest + 1,
            _ => depths[node].unwrap_or_default(),
        };

        let mut rows: Vec<Vec<usize>> = Vec::new();
        for at in 0..=deepest + 1 {
            let mut nodes: Vec<usize> = (0..graph.nodes.len())
                .filter(|node| layer(*node) == at)
                .collect();

            // Users first; then those that nothing belongs to, so that lines down to others are
            // short.
            let has_children = |node: usize| forward.iter().any(|edge| edge.parent == node);
            let first_parent = |node: usize| {
                let parents = forward
                    .iter()
                    .filter(|edge| edge.child == node)
                    .map(|edge| edge.parent);
                parents
                    .filter_map(|parent| rows.iter().flatten().position(|other| *other == parent))
                    .min()
            };

            nodes.sort_by_cached_key(|&node| {
                (
                    rank(graph.nodes[node].kind),
                    has_children(node),
                    first_parent(node),
                    graph.nodes[node].name.clone(),
                )
            });
            rows.extend(split(&nodes, shapes));
        }

        let mut of = vec![0; graph.nodes.len()];
        for (at, row) in rows.iter().enumerate() {
            for node in row {
                of[*node] = at;
            }
        }

        Self { rows, of, back }
    }
}

fn rank(kind: NodeKind) -> usize {
    match kind {
        NodeKind::Identity(Holder::User) | NodeKind::Setting(Holder::User) => 0,
        NodeKind::Identity(Holder::Tenant) | NodeKind::Setting(Holder::Tenant) => 1,
        NodeKind::Owned | NodeKind::OwnPolicies | NodeKind::Unregistered => 2,
    }
}

/// Rows of about the same width, none wider than [`WIDEST`] unless one box is.
fn split(nodes: &[usize], shapes: &[Shape]) -> Vec<Vec<usize>> {
    let width = |node: usize| shapes[node].width + GAP;
    let total: i32 = nodes.iter().map(|node| width(*node)).sum();
    let rows = (total + WIDEST - 1) / WIDEST;
    let mut split: Vec<Vec<usize>> = Vec::new();
    let mut used = 0;

    for &node in nodes {
        let even = total / rows.max(1);
        match split.last_mut() {
            Some(row) if used < even && used + width(node) <= WIDEST => row.push(node),
            _ => {
                split.push(vec![node]);
                used = 0;
            }
        }

        used += width(node);
    }

    split
}

/// The edges that close a circle, found from the tenants down, so that users stay on top of what
/// belongs to them.
fn circles(graph: &Graph) -> BTreeSet<usize> {
    let mut back = BTreeSet::new();
    let mut state = vec![State::New; graph.nodes.len()];
    let mut order: Vec<usize> = (0..graph.nodes.len()).collect();

    order.sort_by_key(|&node| match graph.nodes[node].kind {
        NodeKind::Identity(Holder::Tenant) => 0,
        NodeKind::Identity(Holder::User) => 1,
        _ => 2,
    });
    for node in order {
        visit(node, graph, &mut state, &mut back);
    }

    back
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

fn visit(node: usize, graph: &Graph, state: &mut [State], back: &mut BTreeSet<usize>) {
    if state[node] != State::New {
        return;
    }

    state[node] = State::Open;
    for (at, edge) in graph
        .edges
        .iter()
        .enumerate()
        .filter(|(_, edge)| edge.child == node)
    {
        if state[edge.parent] == State::Open {
            back.insert(at);
        } else {
            visit(edge.parent, graph, state, back);
        }
    }

    state[node] = State::Done;
}

/// One more than that of the deepest parent; the edges close no circle.
fn depth(node: usize, forward: &[&Edge], depths: &mut [Option<usize>]) -> usize {
    if let Some(known) = depths[node] {
        return known;
    }

    let parents: Vec<usize> = forward
        .iter()
        .filter(|edge| edge.child == node)
        .map(|edge| edge.parent)
        .collect();

    let found = parents
        .into_iter()
        .map(|parent| depth(parent, forward, depths) + 1)
        .max()
        .unwrap_or_default();

    depths[node] = Some(found);
    found
}
