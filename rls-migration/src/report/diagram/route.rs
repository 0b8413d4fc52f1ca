use super::graph::Graph;
use super::layer::Rows;
use super::measure::{Shape, count};
use super::place::Placed;

/// The room between two lines that run side by side.
const TRACK: i32 = 10;

/// The room between the lines and the boxes above and below.
const MARGIN: i32 = 16;

/// The lines of one net between two rows: a horizontal one, and those that come to it.
pub(super) struct Wire {
    /// The net, by its place in [`Placed::nets`].
    pub(super) net: usize,
    /// Where it comes from above; `None` for what joins from below alone.
    pub(super) from: Option<i32>,
    /// Where it goes to below.
    pub(super) to: Vec<i32>,
    /// The lanes at the right side that it reaches.
    pub(super) sides: Vec<usize>,
    track: i32,
}

/// The wires above each row, and below the last.
pub(super) struct Routes {
    pub(super) channels: Vec<Vec<Wire>>,
    /// The top of each row.
    pub(super) tops: Vec<i32>,
    /// The top of each channel.
    channel_tops: Vec<i32>,
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) height: i32,
    /// For each lane at the right: from which channel to which.
    pub(super) sides: Vec<(usize, usize)>,
}

impl Routes {
    pub(super) fn new(graph: &Graph, shapes: &[Shape], rows: &Rows, placed: &Placed) -> Self {
        let many = rows.rows.len();
        let mut channels: Vec<Vec<Wire>> = (0..=many).map(|_| Vec::new()).collect();
        let mut sides: Vec<(usize, usize)> = Vec::new();

        for (id, net) in placed.nets.iter().enumerate() {
            for (at, channel) in channels.iter_mut().enumerate().skip(1) {
                let to: Vec<i32> = net
                    .edges
                    .iter()
                    .filter(|edge| rows.of[graph.edges[**edge].child] == at)
                    .map(|edge| placed.tab(*edge))
                    .chain(net.lanes.get(&at).copied())
                    .collect();

                let is_below_parent = rows.of[net.parent] + 1 == at;
                if to.is_empty() && (!is_below_parent || net.back.is_empty()) {
                    continue;
                }

                let from = net.leaves(at - 1, rows);

                channel.push(Wire {
                    net: id,
                    from,
                    to,
                    sides: Vec::new(),
                    track: 0,
                });
            }

            for edge in &net.back {
                let (side, child, parent) = (
                    sides.len(),
                    rows.of[graph.edges[*edge].child],
                    rows.of[net.parent] + 1,
                );

                sides.push((child, parent));
                channels[child].push(Wire {
                    net: id,
                    from: None,
                    to: vec![placed.tab(*edge)],
                    sides: vec![side],
                    track: 0,
                });

                let below = channels[parent]
                    .iter_mut()
                    .find(|wire| wire.net == id && wire.from.is_some());

                if let Some(wire) = below {
                    wire.sides.push(side);
                }
            }
        }

        let left = placed.left.iter().copied().min().unwrap_or_default();
        let right = placed
            .left
            .iter()
            .zip(shapes)
            .map(|(left, shape)| left + shape.width)
            .max()
            .unwrap_or_default();

        let lanes = placed.nets.iter().flat_map(|net| net.lanes.values());
        let (left, right) = lanes.fold((left, right), |(left, right), lane| {
            (left.min(*lane), right.max(*lane))
        });
        let (mut y, mut tops, mut channel_tops) = (0, Vec::new(), Vec::new());

        for (at, channel) in channels.iter_mut().enumerate() {
            let tracks = assign(channel, right);
            channel_tops.push(y);

            let outer = at == 0 || at == many;
            y += if tracks == 0 && outer {
                MARGIN / 2
            } else {
                2 * MARGIN + tracks * TRACK
            };

            if let Some(row) = rows.rows.get(at) {
                tops.push(y);
                y += row
                    .iter()
                    .map(|node| shapes[*node].height)
                    .max()
                    .unwrap_or_default();
            }
        }

        // A table that refers to itself has a loop at its right side.
        let loops = if graph.edges.iter().any(|edge| edge.child == edge.parent) {
            16
        } else {
            0
        };

        let outermost = if sides.is_empty() {
            loops
        } else {
            TRACK * (count(sides.len()) + 1) + loops
        };

        Self {
            channels,
            tops,
            channel_tops,
            left: left - 4,
            right: right + outermost + 4,
            height: y,
            sides,
        }
    }

    /// How high a wire's horizontal line is.
    pub(super) fn y(&self, channel: usize, wire: &Wire) -> i32 {
        self.channel_tops[channel] + MARGIN + wire.track * TRACK
    }

    /// Where a lane at the right side is.
    pub(super) fn side(&self, side: usize) -> i32 {
        self.right - 4 - TRACK * count(side)
    }
}

impl Wire {
    /// From where to where its horizontal line runs; `right` is that of the drawing.
    pub(super) fn span(&self, right: i32) -> (i32, i32) {
        let ends = self
            .from
            .iter()
            .chain(&self.to)
            .copied()
            .chain(self.sides.iter().map(|_| right));

        ends.fold((i32::MAX, i32::MIN), |(least, most), end| {
            (least.min(end), most.max(end))
        })
    }
}

/// Gives each wire a track on which nothing else runs; how many there are.
fn assign(channel: &mut [Wire], right: i32) -> i32 {
    channel.sort_by_key(|wire| (wire.span(right), wire.net));

    let mut ends: Vec<i32> = Vec::new();
    for wire in channel.iter_mut() {
        let (least, most) = wire.span(right);
        let track = ends
            .iter()
            .position(|end| end + TRACK < least)
            .unwrap_or_else(|| {
                ends.push(0);
                ends.len() - 1
            });

        ends[track] = most;
        wire.track = count(track);
    }

    count(ends.len())
}
