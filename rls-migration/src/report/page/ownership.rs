use rls_core::Holder;

use super::{Page, anchor, badge, section};
use crate::report::element::Element;
use crate::report::ownership::{Branch, NodeKind, Ownership};

impl Page<'_> {
    /// Nested lists, which need no coordinates: they fit a phone, can be read aloud, and their
    /// names are escaped as all other text is. The crates that lay graphs out leave the drawing to
    /// their user, or draw SVG in colours of their own.
    pub(super) fn ownership(&self) -> Element {
        let scopes = self.report.tables.iter().map(|table| &table.scope);
        let ownership = Ownership::new(scopes, &self.report.schema);

        section("ownership", "Who owns what")
            .child(Element::new("p").text(
                "Below each table are the tables that belong to it, with the column by which their \
                 rows do. A table that belongs to several others is below each of them.",
            ))
            .child(Element::of("ul", "ownership").children(ownership.trees().iter().map(branch)))
    }
}

fn branch(branch: &Branch<'_>) -> Element {
    let node = branch.node;
    let name = Element::new("code").text(&node.name);
    let name = match node.table {
        Some(table) => Element::new("a")
            .with("href", format!("#{}", anchor(table)))
            .child(name),
        None => name,
    };

    let mut item = Element::new("li").child(name).text(" ");
    for edge in &branch.columns {
        let holder = match edge.holder {
            Holder::User => badge("user", "user"),
            Holder::Tenant => badge("tenant", "tenant"),
        };

        item = item
            .text("by ")
            .child(Element::new("code").text(&edge.column))
            .text(" ")
            .child(holder);
    }

    let remark = if branch.is_listed_elsewhere {
        "its other entry lists what belongs to it"
    } else {
        note(node.kind)
    };

    item.when(!remark.is_empty(), || {
        Element::of("span", "note").text(remark)
    })
    .when(!branch.below.is_empty(), || {
        Element::new("ul").children(branch.below.iter().map(self::branch))
    })
}

fn note(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Identity(Holder::User) => "the users",
        NodeKind::Identity(Holder::Tenant) => "the tenants",
        NodeKind::Owned => "",
        NodeKind::OwnPolicies => "only its own policies say who reaches which row",
        NodeKind::Unregistered => "no entity is registered for it",
        NodeKind::Setting(Holder::User) => "the user in this setting",
        NodeKind::Setting(Holder::Tenant) => "the tenant in this setting",
    }
}
