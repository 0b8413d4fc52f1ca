//! Keys that exclude each other.

use crate::attr::Attr;
use crate::ctxt::Ctxt;
use crate::symbol::Word;

pub(super) fn check(ctxt: &Ctxt, attr: &Attr) {
    for (position, (word, span)) in attr.keys.iter().enumerate() {
        let clash = attr.keys[..position]
            .iter()
            .find_map(|(earlier, _)| Some((*earlier, clash(*earlier, *word)?)));
        if let Some((earlier, reason)) = clash {
            ctxt.error_at(
                *span,
                format!(
                    "`{}` clashes with `{}`: {reason}",
                    word.as_str(),
                    earlier.as_str()
                ),
            );
        }
    }
}

fn clash(left: Word, right: Word) -> Option<&'static str> {
    one_way(left, right).or_else(|| one_way(right, left))
}

fn one_way(left: Word, right: Word) -> Option<&'static str> {
    match (left, right) {
        (Word::Identity, Word::Via) => Some("the rows of an identity own themselves"),
        (Word::Identity, other) if other.is_of_column() => {
            Some("the rows of an identity own themselves")
        }
        (Word::Via, Word::Distribute) => {
            Some("Citus distributes by a column of the table, and takes no sub-select in a policy")
        }
        (Word::Via, Word::Setting) => Some("the setting is that of the rows referred to"),
        (Word::Via, other) if other.is_of_column() => {
            Some("the rows belong to whom those they refer to belong")
        }
        (Word::OnDelete, Word::NoForeignKey) => Some("the action is the foreign key's"),
        _ => None,
    }
}
