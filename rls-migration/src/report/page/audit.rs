use rls_core::Change;

use super::table::changed;
use super::{Page, section, table_of};
use crate::report::element::Element;

/// The columns of the audit's table, and what each tells.
const COLUMNS: [(&str, &str); 8] = [
    ("id", "a number, counted by the server"),
    ("at", "when the transaction began"),
    ("actor", "who acted, as the program names them"),
    ("reason", "why, in their words"),
    (
        "on_behalf_of",
        "for which user, where they acted with that user's rights alone",
    ),
    ("application", "from which application"),
    ("login", "as which role"),
    (
        "transaction",
        "the server's number of the transaction, by which its log tells what was done",
    ),
];

impl Page<'_> {
    pub(super) fn audit(&self) -> Element {
        let part = section("audit", "What administrators leave behind");
        let Some(audit) = &self.report.audit else {
            return part.child(
                Element::of("p", "verdict warning").text(
                    "The configuration lets administrators act without a record (RLS_AUDIT).",
                ),
            );
        };

        let changes: Vec<&Change> = self.report.changes_of(audit).collect();
        let rows = COLUMNS.iter().map(|(column, tells)| {
            Element::new("tr")
                .child(
                    Element::new("th")
                        .with("scope", "row")
                        .child(Element::new("code").text(column)),
                )
                .child(Element::new("td").text(tells))
        });

        part.child(
            Element::new("p")
                .text("Each transaction of an administrator leaves a row in ")
                .child(self.name(audit))
                .text(
                    ", written in the message that begins it, and committed with it. Every value \
                     but the actor's, the \
                     reason's and the user's is the server's own. Administrators may read the rows \
                     and not change them; the \
                     table's owner and superusers may.",
                ),
        )
        .child(table_of("audit", &["Column", "Tells"], rows))
        .child(Element::new("p").text(
            "What was read or changed in the transaction is not in it: that is for the server's \
             log. Not recorded are \
             statements of the migrations, of the tables' owner and of superusers, which do not \
             come through the program.",
        ))
        .when(!changes.is_empty(), || changed(&changes))
    }
}
