//! What an expression, as the server prints it, does once per row.

use crate::name::Identifier;
use crate::sql;

/// Whether a setting is read once per row: by a call outside any subquery.
pub(super) fn reads_setting_per_row(printed: &str) -> bool {
    let mut subqueries = Vec::new();
    let code = code(printed);

    for (at, character) in code.char_indices() {
        match character {
            '(' => subqueries.push(code[at + 1..].trim_start().starts_with("SELECT")),
            ')' => drop(subqueries.pop()),
            'c' if code[at..].starts_with("current_setting(")
                && !code[..at].ends_with(|before: char| {
                    before.is_alphanumeric() || "_$".contains(before)
                })
                && !subqueries.contains(&true) =>
            {
                return true;
            }
            _ => {}
        }
    }

    false
}

/// Whether membership is checked by `IN (SELECT …)`, `EXISTS (SELECT …)` or `ALL (SELECT …)`, which
/// the server runs or searches once per row. It runs `= ANY (ARRAY(SELECT …))` once.
pub(super) fn checks_membership_per_row(printed: &str) -> bool {
    let code = code(printed);
    [
        "IN ( SELECT",
        "EXISTS ( SELECT",
        "ALL ( SELECT",
        "ANY ( SELECT",
    ]
    .iter()
    .any(|words| {
        let before = |at: usize| code[..at].chars().next_back();
        code.match_indices(words)
            .any(|(at, _)| matches!(before(at), None | Some(' ' | '(')))
    })
}

/// Whether it names a column, quoted or not.
pub(super) fn names(printed: &str, column: &Identifier) -> bool {
    let is_of_name = |character: char| character.is_alphanumeric() || "_$".contains(character);

    printed.contains(&sql::identifier(column))
        || code(printed)
            .split(|character| !is_of_name(character))
            .any(|word| word == column.as_str())
}

/// The text with blanks for its literals and quoted names. The server prints no comment and no
/// dollar-quoted string, so this need not be a lexer.
fn code(printed: &str) -> String {
    let mut quote = None;
    let blank = |character| match quote {
        Some(open) => {
            if character == open {
                quote = None;
            }

            ' '
        }
        None if character == '\'' || character == '"' => {
            quote = Some(character);
            ' '
        }
        None => character,
    };

    printed.chars().map(blank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_in_a_subquery_is_read_once() {
        let once = "(owner_id = ( SELECT (NULLIF(current_setting('app.user_id'::text, true), \
                    ''::text))::uuid AS \"nullif\"))";
        assert!(!reads_setting_per_row(once));
        assert!(reads_setting_per_row(
            "(owner_id = (current_setting('app.user_id'::text))::uuid)"
        ));
        assert!(reads_setting_per_row(&format!(
            "({once} OR (current_setting('app.role'::text) = 'admin'::text))"
        )));
        assert!(!reads_setting_per_row("(label = 'current_setting('::text)"));

        assert!(!reads_setting_per_row(
            "(label = my_current_setting('a'::text))"
        ));
    }

    #[test]
    fn column_is_named_as_a_whole_word() {
        let printed = "((owner_id = 1) AND (\"Team\" = 'user_id'::text))";
        let names = |column: &str| super::names(printed, &Identifier::new(column).unwrap());
        assert!(names("owner_id") && names("Team"));
        assert!(!names("owner") && !names("team") && !names("user_id"));
    }

    #[test]
    fn membership_by_array_is_checked_once() {
        let array =
            "(org = ANY (ARRAY( SELECT m.org\n   FROM public.member m\n  WHERE (m.account = 1))))";
        assert!(!checks_membership_per_row(array));
        assert!(checks_membership_per_row(
            "(org IN ( SELECT m.org\n   FROM public.member m))"
        ));
        assert!(checks_membership_per_row(
            "(EXISTS ( SELECT 1\n   FROM public.member m))"
        ));
        assert!(!checks_membership_per_row("(label = 'IN ( SELECT'::text)"));
        assert!(!checks_membership_per_row("(owner_id = ( SELECT 1))"));
    }
}
