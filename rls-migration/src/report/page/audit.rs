use rls_core::Change;

use super::table::changed;
use super::{Page, section, table_of};
use crate::report::element::Element;

/// The columns of the audit table, and what each says.
const COLUMNS: [(&str, &str); 8] = [
    ("id", "a number, counted by the server"),
    ("at", "when the transaction began"),
    ("actor", "who acted, as the program names them"),
    ("reason", "why, in their words"),
    (
        "on_behalf_of",
        "for which user, if they acted with that user's rights alone",
    ),
    ("application", "from which application"),
    ("login", "as which role"),
    (
        "transaction",
        "the server's number of the transaction, by which its log says what was done",
    ),
];

impl Page<'_> {
    pub(super) fn audit(&self) -> Element {
        let part = section("audit", "Record of administrators");
        let Some(audit) = &self.report.audit else {
            return part.child(
                Element::of("p", "statement warning").text(
                    "The configuration lets administrators act without a record (RLS_AUDIT).",
                ),
            );
        };

        let changes: Vec<&Change> = self.report.changes_of(audit).collect();
        let rows = COLUMNS.iter().map(|(column, says)| {
            Element::new("tr")
                .child(
                    Element::new("th")
                        .with("scope", "row")
                        .child(Element::new("code").text(column)),
                )
                .child(Element::new("td").text(says))
        });

        part.child(
            Element::new("p")
                .text("Each transaction of an administrator adds a row to ")
                .child(self.name(audit))
                .text(
                    ": the message that begins the transaction writes it, and it is committed with \
                     the transaction. The server sets every value but the actor, the reason and the \
                     user. Administrators may read the rows but not change them. The table's owner \
                     and superusers may.",
                ),
        )
        .child(table_of("audit", &["Column", "Says"], rows))
        .child(Element::new("p").text(
            "The row does not say what the transaction read or changed: the server's log can. \
             Statements of migrations, of the tables' owner and of superusers are not recorded, \
             since they do not come through the program.",
        ))
        .when(!changes.is_empty(), || changed(&changes))
    }
}
