//! Which rows belong to which, as trees: users and tenants at the roots, what belongs to them below.

use std::collections::BTreeSet;

use rls_core::{Holder, Identifier, Scope, ScopeKind, TableName};

/// Tables, and the columns by which rows of one belong to rows of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ownership {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

/// A table, or a setting that names the user or tenant if no table does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) kind: NodeKind,
    /// Its place among the registered tables.
    pub(super) table: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// Its rows are the users or tenants.
    Identity(Holder),
    /// Its rows belong to those of others.
    Owned,
    /// Only its own policies say who reaches which row.
    OwnPolicies,
    /// A table that no entity is registered for.
    Unregistered,
    /// The value of a setting.
    Setting(Holder),
}

/// A column by which rows of `child` belong to rows of `parent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    child: usize,
    parent: usize,
    pub(super) column: String,
    pub(super) holder: Holder,
}

/// A node of a tree, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Branch<'a> {
    pub(super) node: &'a Node,
    /// The columns by which it belongs to the node above; none at a root.
    pub(super) columns: Vec<&'a Edge>,
    pub(super) below: Vec<Branch<'a>>,
    /// Another branch of the same node lists what belongs to it.
    pub(super) is_listed_elsewhere: bool,
}

impl Ownership {
    /// Reads the scopes of the registered tables; `schema` is left out of names.
    pub(super) fn new<'a>(
        scopes: impl IntoIterator<Item = &'a Scope>,
        schema: &Identifier,
    ) -> Self {
        let scopes: Vec<(usize, &Scope)> = scopes
            .into_iter()
            .enumerate()
            .filter(|(_, scope)| scope.unscoped.is_none())
            .collect();

        let nodes = scopes.iter().map(|&(table, scope)| Node {
            name: shown(&scope.table, schema),
            kind: kind(scope),
            table: Some(table),
        });

        let mut ownership = Self {
            nodes: nodes.collect(),
            edges: Vec::new(),
        };

        for (child, (_, scope)) in scopes.iter().enumerate() {
            ownership.belong(child, scope, schema);
        }

        ownership
    }

    /// Adds the edges of one table.
    fn belong(&mut self, child: usize, scope: &Scope, schema: &Identifier) {
        for key in &scope.keys {
            let Some(owned) = key.owned() else { continue };
            let parent = match &owned.foreign_key {
                Some(foreign_key) => {
                    self.node(shown(&foreign_key.table, schema), NodeKind::Unregistered)
                }
                None => self.node(key.setting.to_string(), NodeKind::Setting(key.holder)),
            };

            self.edge(child, parent, &key.column, key.holder);
        }

        for through in &scope.through {
            let parent = self.node(shown(&through.parent, schema), NodeKind::Unregistered);
            self.edge(child, parent, &through.column, through.holder);
        }
    }

    fn edge(&mut self, child: usize, parent: usize, column: &Identifier, holder: Holder) {
        self.edges.push(Edge {
            child,
            parent,
            column: column.to_string(),
            holder,
        });
    }

    /// The node of that name, added as `kind` if there is none.
    fn node(&mut self, name: String, kind: NodeKind) -> usize {
        let is_setting = |kind: NodeKind| matches!(kind, NodeKind::Setting(_));
        let same = |node: &Node| node.name == name && is_setting(node.kind) == is_setting(kind);

        self.nodes.iter().position(same).unwrap_or_else(|| {
            self.nodes.push(Node {
                name,
                kind,
                table: None,
            });
            self.nodes.len() - 1
        })
    }

    /// Every node and every edge, once each. A table with several parents stands below each of
    /// them, and what belongs to it below the first.
    pub(super) fn trees(&self) -> Vec<Branch<'_>> {
        let mut roots: Vec<usize> = (0..self.nodes.len()).collect();
        roots.sort_by_key(|node| self.rank(*node));

        let (mut trees, mut seen) = (Vec::new(), BTreeSet::new());
        for root in roots {
            if !seen.contains(&root) {
                trees.push(self.branch(root, Vec::new(), &mut seen));
            }
        }

        trees
    }

    /// The order of roots. Only tables that belong to each other in a circle are of the last rank.
    fn rank(&self, node: usize) -> u8 {
        let is_owned = |edge: &Edge| edge.child == node && edge.parent != node;

        match self.nodes[node].kind {
            NodeKind::Identity(Holder::User) => 0,
            NodeKind::Identity(Holder::Tenant) => 1,
            _ if !self.edges.iter().any(is_owned) => 2,
            _ => 3,
        }
    }

    fn branch<'a>(
        &'a self,
        at: usize,
        columns: Vec<&'a Edge>,
        seen: &mut BTreeSet<usize>,
    ) -> Branch<'a> {
        let node = &self.nodes[at];
        let children: BTreeSet<usize> = self
            .edges
            .iter()
            .filter(|edge| edge.parent == at)
            .map(|edge| edge.child)
            .collect();

        // Users and tenants are roots, though they may belong to each other.
        let is_root_elsewhere = !columns.is_empty() && matches!(node.kind, NodeKind::Identity(_));
        if is_root_elsewhere || !seen.insert(at) {
            return Branch {
                node,
                columns,
                below: Vec::new(),
                is_listed_elsewhere: !children.is_empty(),
            };
        }

        let below = children.into_iter().map(|child| {
            let of_child = |edge: &&Edge| edge.parent == at && edge.child == child;
            self.branch(child, self.edges.iter().filter(of_child).collect(), seen)
        });

        Branch {
            node,
            columns,
            below: below.collect(),
            is_listed_elsewhere: false,
        }
    }
}

fn kind(scope: &Scope) -> NodeKind {
    let identity = scope
        .keys
        .iter()
        .find(|key| key.kind == ScopeKind::Identity);

    match identity {
        Some(key) => NodeKind::Identity(key.holder),
        None if scope.keys.is_empty() && scope.through.is_empty() => NodeKind::OwnPolicies,
        None => NodeKind::Owned,
    }
}

/// The name as the page shows it: without `schema`, which is the current one.
pub(super) fn shown(table: &TableName, schema: &Identifier) -> String {
    match &table.schema {
        Some(other) if other == schema => table.table.to_string(),
        _ => table.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{child, column, current, entities, key, owned, scope};

    /// A line a branch, indented by its depth; `…` is listed elsewhere.
    fn drawn(scopes: &[Scope]) -> Vec<String> {
        fn lines(branch: &Branch<'_>, depth: usize, drawn: &mut Vec<String>) {
            let columns: Vec<&str> = branch
                .columns
                .iter()
                .map(|edge| edge.column.as_str())
                .collect();

            let elsewhere = if branch.is_listed_elsewhere {
                " …"
            } else {
                ""
            };
            let line = format!(
                "{}{} {}",
                "  ".repeat(depth),
                branch.node.name,
                columns.join(" ")
            );
            drawn.push(format!("{}{elsewhere}", line.trim_end()));

            for below in &branch.below {
                lines(below, depth + 1, drawn);
            }
        }

        let mut drawn = Vec::new();
        for tree in Ownership::new(scopes, &column("public")).trees() {
            lines(&tree, 0, &mut drawn);
        }

        drawn
    }

    #[test]
    fn what_belongs_stands_below_what_it_belongs_to() {
        assert_eq!(
            drawn(&entities()),
            [
                "user",
                "  invoice owner_id",
                "  task owner_id",
                "    comment task_id",
                "      reaction comment_id",
                "organisation",
                "  invoice tenant_id",
                "notice",
            ]
        );
    }

    #[test]
    fn table_of_two_parents_is_opened_once() {
        let holds = || current(Holder::User, "owner_id");
        let mut both = child("both", Holder::User, "task_id", "task", holds());
        both.keys = vec![
            owned(Holder::User, "author_id", "user"),
            owned(Holder::User, "editor_id", "user"),
        ];

        assert_eq!(
            drawn(&[
                both,
                child("part", Holder::User, "both_id", "both", holds()),
                scope("task", vec![owned(Holder::User, "owner_id", "user")]),
                scope("user", vec![key(Holder::User, "id")]),
            ]),
            [
                "user",
                "  both author_id editor_id",
                "    part both_id",
                "  task owner_id",
                "    both task_id …",
            ]
        );
    }

    #[test]
    fn circles_end() {
        let user = |of| vec![key(Holder::User, "id"), owned(Holder::Tenant, "org_id", of)];
        let org = vec![
            key(Holder::Tenant, "id"),
            owned(Holder::User, "owner_id", "user"),
        ];
        let holds = || current(Holder::User, "owner_id");

        assert_eq!(
            drawn(&[
                scope("user", user("org")),
                scope("org", org),
                child("node", Holder::User, "parent_id", "node", holds()),
                child("one", Holder::User, "other_id", "other", holds()),
                child("other", Holder::User, "one_id", "one", holds()),
            ]),
            [
                "user",
                "  org owner_id …",
                "org",
                "  user org_id …",
                "node",
                "  node parent_id …",
                "one",
                "  other one_id",
                "    one other_id …",
            ]
        );
    }

    #[test]
    fn parent_without_an_entity_is_a_root() {
        let mut by_setting = owned(Holder::User, "owner_id", "user");
        if let ScopeKind::Owned(owned) = &mut by_setting.kind {
            owned.foreign_key = None;
        }

        let scopes = [
            scope("note", vec![by_setting]),
            scope("task", vec![owned(Holder::User, "owner_id", "person")]),
        ];

        let ownership = Ownership::new(&scopes, &column("public"));
        let roots: Vec<_> = ownership
            .trees()
            .iter()
            .map(|tree| (tree.node.name.as_str(), tree.node.kind))
            .collect();

        assert_eq!(
            roots,
            [
                ("app.user_id", NodeKind::Setting(Holder::User)),
                ("person", NodeKind::Unregistered),
            ]
        );
    }
}
