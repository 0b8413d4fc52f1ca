use std::fmt::Write as _;

use rls_core::Holder;

use super::graph::{Graph, NodeKind};
use super::layer::Rows;
use super::measure::{COLUMN_LINE, COLUMN_SIZE, NAME_LINE, NAME_SIZE, Shape, Tab, count};
use super::place::Placed;
use super::route::{Routes, Wire};
use crate::report::element::Element;

/// All that is known before anything is drawn.
struct Drawing<'a> {
    graph: &'a Graph,
    shapes: Vec<Shape>,
    rows: Rows,
    placed: Placed,
    routes: Routes,
}

/// The graph as a drawing; `link` gives the address of a table's part of the page.
pub(in crate::report) fn svg(graph: &Graph, link: impl Fn(&str) -> Option<String>) -> Element {
    let drawing = Drawing::new(graph);
    let routes = &drawing.routes;
    let (width, height) = (routes.right - routes.left, routes.height);
    let boxes = graph
        .nodes
        .iter()
        .enumerate()
        .map(|(at, node)| match link(&node.name) {
            Some(target) => Element::new("a")
                .with("href", target)
                .child(drawing.table(at)),
            None => drawing.table(at),
        });

    let loops = graph
        .edges
        .iter()
        .enumerate()
        .filter(|(_, edge)| edge.child == edge.parent);

    Element::of("svg", "diagram")
        .with("xmlns", "http://www.w3.org/2000/svg")
        .with("viewBox", format!("{} 0 {width} {height}", routes.left))
        .with("width", width)
        .with("height", height)
        .with("role", "img")
        .with(
            "aria-label",
            "Which tables belong to which, by which columns; each table's part below says the same \
             in words",
        )
        .children((0..drawing.placed.nets.len()).filter_map(|net| drawing.net(net)))
        .children(boxes)
        .children(loops.map(|(at, _)| drawing.circle(at)))
}

impl<'a> Drawing<'a> {
    fn new(graph: &'a Graph) -> Self {
        let shapes: Vec<Shape> = (0..graph.nodes.len())
            .map(|node| Shape::of(graph, node))
            .collect();
        let rows = Rows::new(graph, &shapes);
        let placed = Placed::new(graph, &shapes, &rows);
        let routes = Routes::new(graph, &shapes, &rows, &placed);

        Self {
            graph,
            shapes,
            rows,
            placed,
            routes,
        }
    }

    fn top(&self, node: usize) -> i32 {
        self.routes.tops[self.rows.of[node]]
    }

    fn row_bottom(&self, row: usize) -> i32 {
        let height = self.rows.rows[row]
            .iter()
            .map(|node| self.shapes[*node].height)
            .max();
        self.routes.tops[row] + height.unwrap_or_default()
    }

    /// One net: its trunk, its branches, dots where they part, and the arrow at the table it leads
    /// to.
    fn net(&self, id: usize) -> Option<Element> {
        let net = &self.placed.nets[id];
        let (mut path, mut dots) = (String::new(), Vec::new());

        for (at, channel) in self.routes.channels.iter().enumerate() {
            for wire in channel.iter().filter(|wire| wire.net == id) {
                self.wire(&mut path, &mut dots, at, wire);
            }
        }

        for (&row, &x) in &net.lanes {
            let _infallible = write!(
                path,
                "M{x} {}V{}",
                self.routes.tops[row],
                self.row_bottom(row)
            );
        }

        if path.is_empty() {
            return None;
        }

        let dots = dots.into_iter().map(|(x, y)| {
            Element::new("circle")
                .with("cx", x)
                .with("cy", y)
                .with("r", 3)
        });

        let bottom = self.top(net.parent) + self.shapes[net.parent].height;
        let lines =
            Element::of("g", line_class(net.holder)).child(Element::new("path").with("d", path));

        Some(lines.children(dots).child(arrow_up(net.port, bottom)))
    }

    /// What of a net is above a row.
    fn wire(&self, path: &mut String, dots: &mut Vec<(i32, i32)>, at: usize, wire: &Wire) {
        let (net, routes) = (&self.placed.nets[wire.net], &self.routes);
        let y = routes.y(at, wire);
        let side = wire.sides.iter().map(|side| routes.side(*side)).max();
        let (least, most) = wire.span(side.unwrap_or(i32::MIN));

        if least < most {
            let _infallible = write!(path, "M{least} {y}H{most}");
        }

        if let Some(x) = wire.from {
            // From the table itself, which may end higher than others in its row, or from the end
            // of the row.
            let is_of_parent = self.rows.of[net.parent] == at - 1;
            let from = if is_of_parent {
                self.top(net.parent) + self.shapes[net.parent].height
            } else {
                self.row_bottom(at - 1)
            };

            let _infallible = write!(path, "M{x} {from}V{y}");
        }

        for x in &wire.to {
            let _infallible = write!(path, "M{x} {y}V{}", routes.tops[at]);
        }

        for &side in &wire.sides {
            let (from, to) = routes.sides[side];

            // Drawn once, from the upper end.
            if at == from.min(to) {
                let other = from.max(to);
                let ends = routes.channels[other]
                    .iter()
                    .filter(|end| end.sides.contains(&side) && end.net == wire.net);

                for end in ends {
                    let _infallible =
                        write!(path, "M{} {y}V{}", routes.side(side), routes.y(other, end));
                }
            }
        }

        let branches = wire.to.iter().copied().chain(wire.from);
        dots.extend(branches.filter(|x| least < *x && *x < most).map(|x| (x, y)));
    }

    /// A table that refers to itself.
    fn circle(&self, edge: usize) -> Element {
        let node = self.graph.edges[edge].child;
        let (x, top) = (self.placed.tab(edge), self.top(node));
        let right = self.placed.left[node] + self.shapes[node].width;
        let y = top + self.shapes[node].height - 14;
        let path = format!("M{x} {top}V{}H{}V{y}H{}", top - 8, right + 11, right + 5);
        let lines = Element::of("g", line_class(self.graph.edges[edge].holder));

        lines
            .child(Element::new("path").with("d", path))
            .child(arrow_left(right, y))
    }

    fn table(&self, node: usize) -> Element {
        let (shape, left, top) = (&self.shapes[node], self.placed.left[node], self.top(node));
        let class = match self.graph.nodes[node].kind {
            NodeKind::Identity(Holder::User) => "table user",
            NodeKind::Identity(Holder::Tenant) => "table tenant",
            NodeKind::Owned => "table",
            NodeKind::OwnPolicies => "table own",
            NodeKind::Unregistered | NodeKind::Setting(_) => "table outside",
        };

        let outline = Element::new("rect")
            .with("x", left)
            .with("y", top)
            .with("width", shape.width);

        let outline = outline.with("height", shape.height).with("rx", 6);
        let drawn = Element::of("g", class).child(outline);
        let drawn = shape.tabs.iter().fold(drawn, |drawn, tab| {
            drawn.children(self.tab(shape, tab, top))
        });
        let middle = left + shape.width / 2;
        let first = top + shape.tab_height + 7 + NAME_SIZE;
        let drawn = drawn.children(lines(&shape.name, "name", middle, first, NAME_LINE));
        let below = first + NAME_LINE * count(shape.name.len()) - 2;

        drawn.when(!shape.note.is_empty(), || {
            Element::of("text", "note")
                .with("x", middle)
                .with("y", below)
                .text(shape.note)
        })
    }

    fn tab(&self, shape: &Shape, tab: &Tab, top: i32) -> Vec<Element> {
        let (left, width) = self.placed.tabs[tab.edge];
        let class = match self.graph.edges[tab.edge].holder {
            Holder::User => "tab user",
            Holder::Tenant => "tab tenant",
        };

        let strip = Element::of("rect", class)
            .with("x", left + 2)
            .with("y", top + 2)
            .with("width", width - 4);

        let strip = strip.with("height", shape.tab_height - 2).with("rx", 4);
        let spare = shape.tab_height - 6 - COLUMN_LINE * count(tab.lines.len());
        let first = top + 2 + COLUMN_SIZE + spare / 2;
        let text = lines(&tab.lines, "column", left + width / 2, first, COLUMN_LINE);

        std::iter::once(strip).chain(text).collect()
    }
}

fn line_class(holder: Holder) -> &'static str {
    match holder {
        Holder::User => "line user",
        Holder::Tenant => "line tenant",
    }
}

fn arrow_up(x: i32, y: i32) -> Element {
    Element::of("path", "arrow").with("d", format!("M{x} {y}L{} {}H{}Z", x + 5, y + 9, x - 5))
}

fn arrow_left(x: i32, y: i32) -> Element {
    Element::of("path", "arrow").with("d", format!("M{x} {y}L{} {}V{}Z", x + 9, y + 5, y - 5))
}

fn lines<'a>(
    lines: &'a [String],
    class: &'static str,
    x: i32,
    first: i32,
    height: i32,
) -> impl Iterator<Item = Element> + 'a {
    lines.iter().enumerate().map(move |(nth, line)| {
        Element::of("text", class)
            .with("x", x)
            .with("y", first + height * count(nth))
            .text(line)
    })
}
