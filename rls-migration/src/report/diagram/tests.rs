use rls_core::Holder;

use super::graph::{Edge, Node, NodeKind};
use super::layer::{Rows, WIDEST};
use super::measure::Shape;
use super::place::Placed;
use super::route::Routes;
use super::*;

/// Tables by name, identities with `@` (users) or `%` (tenants) before it, and
/// `child.column -> parent` in lines.
fn graph(text: &str) -> Graph {
    let mut graph = Graph::default();
    let node = |graph: &mut Graph, name: &str| {
        let (kind, name) = match name.split_at(1) {
            ("@", name) => (NodeKind::Identity(Holder::User), name),
            ("%", name) => (NodeKind::Identity(Holder::Tenant), name),
            _ => (NodeKind::Owned, name),
        };

        graph
            .nodes
            .iter()
            .position(|node| node.name == name)
            .unwrap_or_else(|| {
                graph.nodes.push(Node {
                    name: name.to_owned(),
                    kind,
                });
                graph.nodes.len() - 1
            })
    };

    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((from, parent)) = line.split_once(" -> ") else {
            node(&mut graph, line);
            continue;
        };

        let (child, column) = from.split_once('.').unwrap();
        let (child, parent) = (node(&mut graph, child), node(&mut graph, parent));
        let holder = if column.contains("tenant") {
            Holder::Tenant
        } else {
            Holder::User
        };

        graph.edges.push(Edge {
            child,
            parent,
            column: column.to_owned(),
            holder,
        });
    }

    graph
}

struct Laid {
    graph: Graph,
    shapes: Vec<Shape>,
    rows: Rows,
    placed: Placed,
    routes: Routes,
}

fn laid(graph: Graph) -> Laid {
    let shapes: Vec<Shape> = (0..graph.nodes.len())
        .map(|node| Shape::of(&graph, node))
        .collect();
    let rows = Rows::new(&graph, &shapes);
    let placed = Placed::new(&graph, &shapes, &rows);
    let routes = Routes::new(&graph, &shapes, &rows, &placed);

    Laid {
        graph,
        shapes,
        rows,
        placed,
        routes,
    }
}

impl Laid {
    fn row(&self, name: &str) -> usize {
        self.rows.of[self
            .graph
            .nodes
            .iter()
            .position(|node| node.name == name)
            .unwrap()]
    }

    /// No box lies on another or outside, and no line that passes a row goes through a box.
    fn holds_together(&self) {
        for (at, row) in self.rows.rows.iter().enumerate() {
            let mut boxes: Vec<(i32, i32)> = row
                .iter()
                .map(|node| {
                    (
                        self.placed.left[*node],
                        self.placed.left[*node] + self.shapes[*node].width,
                    )
                })
                .collect();

            boxes.sort_unstable();
            assert!(
                boxes.windows(2).all(|pair| pair[0].1 < pair[1].0),
                "row {at}: {boxes:?}"
            );

            let outermost = (boxes.first().unwrap().0, boxes.last().unwrap().1);
            assert!(
                self.routes.left <= outermost.0 && outermost.1 <= self.routes.right,
                "row {at}"
            );

            for lane in self.placed.nets.iter().filter_map(|net| net.lanes.get(&at)) {
                let inside = |(left, right): &(i32, i32)| left <= lane && lane <= right;
                assert!(
                    !boxes.iter().any(inside),
                    "row {at}: a line at {lane} through {boxes:?}"
                );
            }
        }

        for (at, tab) in self.placed.tabs.iter().enumerate() {
            let node = self.graph.edges[at].child;
            let (left, right) = (
                self.placed.left[node],
                self.placed.left[node] + self.shapes[node].width,
            );

            assert!(
                left <= tab.0 && tab.0 + tab.1 <= right,
                "tab {at} in its box"
            );
        }

        // Two lines between rows that share a height do not touch.
        for (at, channel) in self.routes.channels.iter().enumerate() {
            for (nth, one) in channel.iter().enumerate() {
                for other in &channel[nth + 1..] {
                    let (a, b) = (one.span(self.routes.right), other.span(self.routes.right));
                    let same = self.routes.y(at, one) == self.routes.y(at, other);
                    assert!(
                        !same || a.1 < b.0 || b.1 < a.0,
                        "lines above row {at}: {a:?}, {b:?}"
                    );
                }
            }
        }

        // Each edge is drawn: it has a line at its tab, or is a loop.
        for (at, edge) in self
            .graph
            .edges
            .iter()
            .enumerate()
            .filter(|(_, edge)| edge.child != edge.parent)
        {
            let channel = &self.routes.channels[self.rows.of[edge.child]];
            let tab = self.placed.tab(at);
            assert!(
                channel.iter().any(|wire| wire.to.contains(&tab)),
                "edge {at}"
            );
        }
    }
}

const SMALL: &str = "
    @user
    task.owner_id -> user
    comment.task_id -> task
    reaction.comment_id -> comment
    reaction.author_id -> user
";

/// Many tables of users and tenants, through others too.
fn large() -> Graph {
    let own = (0..24).map(|at| format!("user_table_number_{at}.owner_id -> user\n"));
    let both = (0..8).map(|at| {
        format!(
            "both_{at}.tenant_id -> organisation\nboth_{at}.owner_id -> user\n\
             part_of_both_{at}.both_{at}_id -> both_{at}\npart_of_both_{at}.reviewer_id -> user\n"
        )
    });

    let tables: String = own.chain(both).collect();

    graph(&format!(
        "@user\n%organisation\nuser.tenant_id -> organisation\n{tables}"
    ))
}

#[test]
fn users_are_on_top_and_what_belongs_is_below() {
    let laid = laid(graph(SMALL));
    laid.holds_together();
    assert_eq!(
        ["user", "task", "comment", "reaction"].map(|name| laid.row(name)),
        [0, 1, 2, 3]
    );
}

#[test]
fn forty_tables_stay_within_the_width() {
    let laid = laid(large());
    laid.holds_together();
    assert!(laid.graph.nodes.len() > 40);
    assert!(
        laid.routes.right - laid.routes.left <= WIDEST + 40,
        "{}",
        laid.routes.right - laid.routes.left
    );

    for edge in &laid.graph.edges {
        assert!(laid.rows.of[edge.parent] < laid.rows.of[edge.child]);
    }
}

#[test]
fn circles_and_self_references_are_drawn() {
    let laid = laid(graph(
        "@user
         %tenant
         user.tenant_id -> tenant
         tenant.owner_id -> user
         node.parent_id -> node
         node.owner_id -> user",
    ));

    laid.holds_together();
    assert_eq!(laid.row("user"), 0, "users stay on top");
    assert_eq!(laid.rows.back.len(), 2);
    assert_eq!(laid.routes.sides.len(), 1);
}

#[test]
fn long_names_stay_in_their_boxes() {
    let long = "a_table_with_a_name_as_long_as_postgresql_will_let_it_be_really";
    let text = format!(
        "@user\n{long}.{long} -> user\n{long}.another_{long} -> user\n{long}_child.x -> {long}"
    );
    laid(graph(&text)).holds_together();
}

#[test]
fn nothing_is_drawn_of_nothing() {
    assert!(
        svg(&Graph::default(), |_| None)
            .to_string()
            .starts_with("<svg")
    );
}

#[test]
fn drawing_is_the_same_each_time() {
    let draw = || svg(&large(), |_| None).to_string();
    assert_eq!(draw(), draw());
    insta::assert_snapshot!("small", svg(&graph(SMALL), |_| None).to_string());
}
