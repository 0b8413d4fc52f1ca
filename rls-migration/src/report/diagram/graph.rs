use rls_core::{Holder, Identifier, Scope, ScopeKind, TableName};

/// Tables, and the columns by which rows of one belong to rows of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::report) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) kind: NodeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// Its rows are the users or tenants.
    Identity(Holder),
    /// Its rows belong to those of others.
    Owned,
    /// Only policies of its own say whose its rows are.
    OwnPolicies,
    /// A table that no entity is registered for.
    Unregistered,
    /// No table, but what a setting carries.
    Setting(Holder),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// The node whose rows belong.
    pub(super) child: usize,
    /// To whose.
    pub(super) parent: usize,
    /// By which column.
    pub(super) column: String,
    pub(super) holder: Holder,
}

impl Graph {
    /// Of the tables with row security; `schema` is that of names that say none, which is left out.
    pub(in crate::report) fn new<'a>(
        scopes: impl IntoIterator<Item = &'a Scope>,
        schema: &Identifier,
    ) -> Self {
        let scopes: Vec<&Scope> = scopes
            .into_iter()
            .filter(|scope| scope.unscoped.is_none())
            .collect();

        let mut graph = Self::default();
        for scope in &scopes {
            let identity = scope
                .keys
                .iter()
                .find(|key| key.kind == ScopeKind::Identity);

            let kind = match identity {
                Some(key) => NodeKind::Identity(key.holder),
                None if scope.keys.is_empty() && scope.through.is_empty() => NodeKind::OwnPolicies,
                None => NodeKind::Owned,
            };

            graph.node(&shown(&scope.table, schema), kind);
        }

        for (child, scope) in scopes.iter().enumerate() {
            for key in &scope.keys {
                let Some(owned) = key.owned() else { continue };
                let parent = match &owned.foreign_key {
                    Some(foreign_key) => {
                        graph.node(&shown(&foreign_key.table, schema), NodeKind::Unregistered)
                    }
                    None => graph.node(key.setting.as_str(), NodeKind::Setting(key.holder)),
                };

                graph.edges.push(Edge {
                    child,
                    parent,
                    column: key.column.to_string(),
                    holder: key.holder,
                });
            }

            for through in &scope.through {
                let parent = graph.node(&shown(&through.parent, schema), NodeKind::Unregistered);
                graph.edges.push(Edge {
                    child,
                    parent,
                    column: through.column.to_string(),
                    holder: through.holder,
                });
            }
        }

        graph
    }

    /// The node of that name, added as `kind` where there is none.
    fn node(&mut self, name: &str, kind: NodeKind) -> usize {
        let is_setting = |kind: NodeKind| matches!(kind, NodeKind::Setting(_));
        let same = |node: &Node| node.name == name && is_setting(node.kind) == is_setting(kind);

        self.nodes.iter().position(same).unwrap_or_else(|| {
            self.nodes.push(Node {
                name: name.to_owned(),
                kind,
            });
            self.nodes.len() - 1
        })
    }
}

/// The name as it is shown: without the schema that goes without saying.
pub(in crate::report) fn shown(table: &TableName, schema: &Identifier) -> String {
    match &table.schema {
        Some(other) if other == schema => table.table.to_string(),
        _ => table.to_string(),
    }
}
