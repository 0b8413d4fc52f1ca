use std::collections::BTreeMap;

use rls_core::Holder;

use super::graph::Graph;
use super::layer::{GAP, Rows, WIDEST};
use super::measure::{Shape, count};

/// The room that a line needs which passes between two boxes.
const LANE: i32 = 2;

/// How far apart lines must be that are not the same.
const APART: i32 = 6;

/// The lines from one table to all that belong to it and to one kind of holder: one trunk with
/// branches.
pub(super) struct Net {
    pub(super) parent: usize,
    pub(super) holder: Holder,
    /// The edges that lead down.
    pub(super) edges: Vec<usize>,
    /// The edges that close a circle.
    pub(super) back: Vec<usize>,
    /// Where the trunk leaves the table.
    pub(super) port: i32,
    /// Where it passes through rows.
    pub(super) lanes: BTreeMap<usize, i32>,
}

impl Net {
    /// Where it leaves a row downwards: at its table, or past other tables.
    pub(super) fn leaves(&self, row: usize, rows: &Rows) -> Option<i32> {
        if rows.of[self.parent] == row {
            Some(self.port)
        } else {
            self.lanes.get(&row).copied()
        }
    }
}

/// Where everything is, from left to right.
pub(super) struct Placed {
    /// The left side of each node.
    pub(super) left: Vec<i32>,
    /// The left side and the width of each edge's tab.
    pub(super) tabs: Vec<(i32, i32)>,
    pub(super) nets: Vec<Net>,
}

impl Placed {
    pub(super) fn new(graph: &Graph, shapes: &[Shape], rows: &Rows) -> Self {
        let mut placed = Self {
            left: vec![0; graph.nodes.len()],
            tabs: vec![(0, 0); graph.edges.len()],
            nets: nets(graph, rows),
        };

        for at in 0..rows.rows.len() {
            placed.row(at, graph, shapes, rows);
            placed.tabs(at, shapes, rows);
            if let Some(above) = at.checked_sub(1) {
                placed.part_lines(above, graph, shapes, rows);
            }
        }

        placed
    }

    /// The middle of an edge's tab.
    pub(super) fn tab(&self, edge: usize) -> i32 {
        let (left, width) = self.tabs[edge];
        left + width / 2
    }

    fn row(&mut self, at: usize, graph: &Graph, shapes: &[Shape], rows: &Rows) {
        let above = at.checked_sub(1);
        let wanted = |node: usize| {
            let nets = self.nets.iter().filter(|net| {
                net.edges
                    .iter()
                    .any(|edge| graph.edges[*edge].child == node)
            });

            let places: Vec<i32> = nets.filter_map(|net| net.leaves(above?, rows)).collect();

            if places.is_empty() {
                0
            } else {
                places.iter().sum::<i32>() / count(places.len())
            }
        };

        let mut items: Vec<Item> = rows.rows[at]
            .iter()
            .map(|&node| Item {
                what: What::Node(node),
                wanted: wanted(node),
                width: shapes[node].width,
            })
            .collect();

        items.sort_by_key(|item| item.wanted);

        let passing: Vec<(usize, i32)> = self
            .nets
            .iter()
            .enumerate()
            .filter(|(_, net)| rows.of[net.parent] < at)
            .filter(|(_, net)| {
                net.edges
                    .iter()
                    .any(|edge| rows.of[graph.edges[*edge].child] > at)
            })
            .filter_map(|(id, net)| Some((id, net.leaves(above?, rows)?)))
            .collect();

        for (id, wanted) in passing {
            // Through the middle of the boxes that want to be where the line is.
            let before = items.iter().filter(|item| item.wanted < wanted).count();
            let same = items.iter().filter(|item| item.wanted == wanted).count();

            items.insert(
                before + same / 2,
                Item {
                    what: What::Lane(id),
                    wanted,
                    width: LANE,
                },
            );
        }

        for (item, middle) in items.iter().zip(spread(&items)) {
            match item.what {
                What::Node(node) => self.left[node] = middle - item.width / 2,
                What::Lane(net) => drop(self.nets[net].lanes.insert(at, middle)),
            }
        }

        for node in &rows.rows[at] {
            let middle = self.left[*node] + shapes[*node].width / 2;
            let of_node: Vec<usize> = (0..self.nets.len())
                .filter(|net| self.nets[*net].parent == *node)
                .collect();

            for (nth, net) in of_node.iter().enumerate() {
                self.nets[*net].port = middle + (2 * count(nth) + 1 - count(of_node.len())) * 12;
            }
        }
    }

    /// The tabs of each box, in the order of what they lead to.
    fn tabs(&mut self, at: usize, shapes: &[Shape], rows: &Rows) {
        for &node in &rows.rows[at] {
            let leads_to = |edge: usize| {
                let net = self.nets.iter().find(|net| net.edges.contains(&edge));
                net.and_then(|net| net.leaves(at.checked_sub(1)?, rows))
                    .unwrap_or(i32::MAX)
            };

            let mut tabs: Vec<(i32, usize, i32)> = shapes[node]
                .tabs
                .iter()
                .map(|tab| (leads_to(tab.edge), tab.edge, tab.width))
                .collect();

            tabs.sort_unstable();

            let mut left = self.left[node];

            for (_, edge, width) in tabs {
                self.tabs[edge] = (left, width);
                left += width;
            }
        }
    }

    /// Moves trunks aside that would lie on another's branch in the lines below a row.
    fn part_lines(&mut self, row: usize, graph: &Graph, shapes: &[Shape], rows: &Rows) {
        for id in 0..self.nets.len() {
            let Some(mut x) = self.nets[id].leaves(row, rows) else {
                continue;
            };
            let below: Vec<i32> = self.others(id, row + 1, graph, rows);
            let is_port = rows.of[self.nets[id].parent] == row;

            if is_port {
                // No step for a branch that is all but straight below.
                let net = &self.nets[id];
                let own = net
                    .edges
                    .iter()
                    .filter(|edge| rows.of[graph.edges[**edge].child] == row + 1);

                let ends = own
                    .map(|edge| self.tab(*edge))
                    .chain(net.lanes.get(&(row + 1)).copied());

                x = ends
                    .filter(|end| (end - x).abs() <= 2 * APART)
                    .min_by_key(|end| (end - x).abs())
                    .unwrap_or(x);
            }

            // A lane is also the end of a branch in the lines above.
            let above: Vec<i32> = if is_port {
                Vec::new()
            } else {
                let sources = self
                    .nets
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| *other != id);

                sources
                    .filter_map(|(_, net)| net.leaves(row.checked_sub(1)?, rows))
                    .collect()
            };

            let room = if is_port {
                shapes[self.nets[id].parent].width / 2 - 10
            } else {
                GAP / 2
            };

            let free = |x: i32| {
                below
                    .iter()
                    .chain(&above)
                    .all(|other| (other - x).abs() >= APART)
            };

            let steps = (0..=room / APART).flat_map(|step| [x + step * APART, x - step * APART]);

            if let Some(free) = steps.into_iter().find(|x| free(*x)) {
                let net = &mut self.nets[id];
                if is_port {
                    net.port = free;
                } else {
                    net.lanes.insert(row, free);
                }
            }
        }
    }

    /// Where the branches of other nets come down to a row.
    fn others(&self, id: usize, row: usize, graph: &Graph, rows: &Rows) -> Vec<i32> {
        let others = self
            .nets
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != id);

        others
            .flat_map(|(_, net)| {
                let tabs = net
                    .edges
                    .iter()
                    .chain(&net.back)
                    .filter(|edge| rows.of[graph.edges[**edge].child] == row);
                tabs.map(|edge| self.tab(*edge))
                    .chain(net.lanes.get(&row).copied())
            })
            .collect()
    }
}

fn nets(graph: &Graph, rows: &Rows) -> Vec<Net> {
    let mut nets: Vec<Net> = Vec::new();
    for (at, edge) in graph
        .edges
        .iter()
        .enumerate()
        .filter(|(_, edge)| edge.child != edge.parent)
    {
        let same = |net: &Net| net.parent == edge.parent && net.holder == edge.holder;
        let id = nets.iter().position(same).unwrap_or_else(|| {
            let (edges, back, lanes) = (Vec::new(), Vec::new(), BTreeMap::new());
            nets.push(Net {
                parent: edge.parent,
                holder: edge.holder,
                edges,
                back,
                port: 0,
                lanes,
            });
            nets.len() - 1
        });

        if rows.back.contains(&at) {
            nets[id].back.push(at)
        } else {
            nets[id].edges.push(at)
        }
    }

    nets
}

enum What {
    Node(usize),
    Lane(usize),
}

struct Item {
    what: What,
    /// Where its middle should be.
    wanted: i32,
    width: i32,
}

/// The middles of items in a row, as near to where they should be as their order and widths let
/// them: neighbours that would overlap become a block around the mean of what they want (isotonic
/// regression by pooling).
fn spread(items: &[Item]) -> Vec<i32> {
    let mut offsets = Vec::with_capacity(items.len());
    let mut right = 0;

    for item in items {
        offsets.push(right + item.width / 2);
        right += item.width + GAP;
    }

    let mut blocks: Vec<(i32, i32)> = Vec::new();
    for (item, offset) in items.iter().zip(&offsets) {
        let mut block = (item.wanted - offset, 1);
        while let Some(&(sum, many)) = blocks
            .last()
            .filter(|(sum, many)| sum / many >= block.0 / block.1)
        {
            blocks.pop();
            block = (block.0 + sum, block.1 + many);
        }

        blocks.push(block);
    }

    let starts = blocks.iter().flat_map(|(sum, many)| {
        std::iter::repeat_n(sum / many, usize::try_from(*many).unwrap_or(1))
    });
    let mut middles: Vec<i32> = starts
        .zip(&offsets)
        .map(|(start, offset)| start + offset)
        .collect();

    // Within the drawing: from the left, then from the right.
    let half = WIDEST.max(right) / 2;
    let mut least = -half;

    for (middle, item) in middles.iter_mut().zip(items) {
        *middle = (*middle).max(least + item.width / 2);
        least = *middle - item.width / 2 + item.width + GAP;
    }

    let mut most = half;
    for (middle, item) in middles.iter_mut().zip(items).rev() {
        *middle = (*middle).min(most - item.width + item.width / 2);
        most = *middle - item.width / 2 - GAP;
    }

    middles
}
