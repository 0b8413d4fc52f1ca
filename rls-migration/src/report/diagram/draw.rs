use std::fmt::Write as _;

use rls_core::Holder;

use super::graph::{Graph, NodeKind};
use super::layer::Rows;
use super::measure::{COLUMN_LINE, COLUMN_SIZE, NAME_LINE, NAME_SIZE, Shape, count};
use super::place::{Net, Placed};
use super::route::{Routes, Wire};
use crate::report::element::Element;

/// The graph as a drawing; `link` gives the address of a table's part of the page.
pub(in crate::report) fn svg(graph: &Graph, link: impl Fn(&str) -> Option<String>) -> Element {
    let shapes: Vec<Shape> = (0..graph.nodes.len()).map(|node| Shape::of(graph, node)).collect();
    let rows = Rows::new(graph, &shapes);
    let placed = Placed::new(graph, &shapes, &rows);
    let routes = Routes::new(graph, &shapes, &rows, &placed);
    let (width, height) = (routes.right - routes.left, routes.height);
    let lines = (0..placed.nets.len()).flat_map(|net| wires(net, &rows, &shapes, &placed, &routes));
    let boxes = (0..graph.nodes.len()).map(|node| {
        let kind = graph.nodes[node].kind;
        let drawn = table(&shapes[node], kind, placed.left[node], routes.tops[rows.of[node]], graph, &placed);
        match link(&graph.nodes[node].name) {
            Some(target) => Element::new("a").with("href", target).child(drawn),
            None => drawn,
        }
    });
    let loops = graph.edges.iter().enumerate().filter(|(_, edge)| edge.child == edge.parent).map(|(at, edge)| {
        let node = edge.child;
        let (x, top) = (placed.tab(at), routes.tops[rows.of[node]]);
        let right = placed.left[node] + shapes[node].width;
        let y = top + shapes[node].height - 14;
        let path = format!("M{x} {top}V{}H{}V{y}H{}", top - 8, right + 11, right + 5);
        Element::of("g", line_class(edge.holder)).child(Element::new("path").with("d", path)).child(arrow_left(right, y))
    });
    Element::of("svg", "diagram")
        .with("xmlns", "http://www.w3.org/2000/svg")
        .with("viewBox", format!("{} 0 {width} {height}", routes.left))
        .with("width", width)
        .with("height", height)
        .with("role", "img")
        .with("aria-label", "Which tables belong to which, by which columns; each table's part below says the same in words")
        .children(lines)
        .children(boxes)
        .children(loops)
}

fn line_class(holder: Holder) -> &'static str {
    match holder {
        Holder::User => "line user",
        Holder::Tenant => "line tenant",
    }
}

/// One net: its trunk, its branches, dots where they part, and the arrow at the table it leads to.
fn wires(id: usize, rows: &Rows, shapes: &[Shape], placed: &Placed, routes: &Routes) -> Option<Element> {
    let net = &placed.nets[id];
    let (mut path, mut dots) = (String::new(), Vec::new());
    for (at, channel) in routes.channels.iter().enumerate() {
        for wire in channel.iter().filter(|wire| wire.net == id) {
            between_rows(&mut path, &mut dots, at, wire, net, rows, shapes, routes);
        }
    }
    for (&row, &x) in &net.lanes {
        let bottom = routes.tops[row] + row_height(row, rows, shapes);
        let _infallible = write!(path, "M{x} {}V{bottom}", routes.tops[row]);
    }
    if path.is_empty() {
        return None;
    }
    let dots = dots.into_iter().map(|(x, y)| Element::new("circle").with("cx", x).with("cy", y).with("r", 3));
    let bottom = routes.tops[rows.of[net.parent]] + shapes[net.parent].height;
    let lines = Element::of("g", line_class(net.holder)).child(Element::new("path").with("d", path));
    Some(lines.children(dots).child(arrow_up(net.port, bottom)))
}

#[expect(clippy::too_many_arguments, reason = "one step of `wires`, with what that has")]
fn between_rows(
    path: &mut String,
    dots: &mut Vec<(i32, i32)>,
    at: usize,
    wire: &Wire,
    net: &Net,
    rows: &Rows,
    shapes: &[Shape],
    routes: &Routes,
) {
    let y = routes.y(at, wire);
    let side = wire.sides.iter().map(|side| routes.side(*side)).max();
    let (least, most) = wire.span(side.unwrap_or(i32::MIN));
    if least < most {
        let _infallible = write!(path, "M{least} {y}H{most}");
    }
    if let Some(x) = wire.from {
        let row = at - 1;
        // From the table itself, which may be lower than others in its row, or from the end of the row.
        let height = if rows.of[net.parent] == row { shapes[net.parent].height } else { row_height(row, rows, shapes) };
        let _infallible = write!(path, "M{x} {}V{y}", routes.tops[row] + height);
    }
    for x in &wire.to {
        let _infallible = write!(path, "M{x} {y}V{}", routes.tops[at]);
    }
    for &side in &wire.sides {
        let (from, to) = routes.sides[side];
        // Drawn once, from the upper end.
        if at == from.min(to) {
            let other = from.max(to);
            let ends = routes.channels[other].iter().filter(|end| end.sides.contains(&side) && end.net == wire.net);
            for end in ends {
                let _infallible = write!(path, "M{} {y}V{}", routes.side(side), routes.y(other, end));
            }
        }
    }
    let branches = wire.to.iter().copied().chain(wire.from);
    dots.extend(branches.filter(|x| least < *x && *x < most).map(|x| (x, y)));
}

fn row_height(row: usize, rows: &Rows, shapes: &[Shape]) -> i32 {
    rows.rows[row].iter().map(|node| shapes[*node].height).max().unwrap_or_default()
}

fn arrow_up(x: i32, y: i32) -> Element {
    Element::of("path", "arrow").with("d", format!("M{x} {y}L{} {}H{}Z", x + 5, y + 9, x - 5))
}

fn arrow_left(x: i32, y: i32) -> Element {
    Element::of("path", "arrow").with("d", format!("M{x} {y}L{} {}V{}Z", x + 9, y + 5, y - 5))
}

fn table(shape: &Shape, kind: NodeKind, left: i32, top: i32, graph: &Graph, placed: &Placed) -> Element {
    let class = match kind {
        NodeKind::Identity(Holder::User) => "table user",
        NodeKind::Identity(Holder::Tenant) => "table tenant",
        NodeKind::Owned => "table",
        NodeKind::OwnPolicies => "table own",
        NodeKind::Unregistered | NodeKind::Setting(_) => "table outside",
    };
    let outline = Element::new("rect").with("x", left).with("y", top).with("width", shape.width);
    let mut drawn = Element::of("g", class).child(outline.with("height", shape.height).with("rx", 6));
    for tab in &shape.tabs {
        let (tab_left, width) = placed.tabs[tab.edge];
        let holder = match graph.edges[tab.edge].holder {
            Holder::User => "tab user",
            Holder::Tenant => "tab tenant",
        };
        let strip = Element::of("rect", holder).with("x", tab_left + 2).with("y", top + 2).with("width", width - 4);
        drawn = drawn.child(strip.with("height", shape.tab_height - 2).with("rx", 4));
        let first = top + 1 + COLUMN_SIZE + (shape.tab_height - 6 - COLUMN_LINE * count(tab.lines.len())) / 2 + 1;
        drawn = drawn.children(lines(&tab.lines, "column", tab_left + width / 2, first, COLUMN_LINE));
    }
    let middle = left + shape.width / 2;
    let first = top + shape.tab_height + 7 + NAME_SIZE;
    drawn = drawn.children(lines(&shape.name, "name", middle, first, NAME_LINE));
    let below = first + NAME_LINE * count(shape.name.len()) - 2;
    drawn.when(!shape.note.is_empty(), || {
        Element::of("text", "note").with("x", middle).with("y", below).text(shape.note)
    })
}

fn lines<'a>(
    lines: &'a [String],
    class: &'static str,
    x: i32,
    first: i32,
    height: i32,
) -> impl Iterator<Item = Element> + 'a {
    lines.iter().enumerate().map(move |(nth, line)| {
        Element::of("text", class).with("x", x).with("y", first + height * count(nth)).text(line)
    })
}
