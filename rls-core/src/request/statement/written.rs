//! The columns that a statement names to write them, for a refusal that tells which of them is not
//! granted. The text has been refused already: nothing depends on this but words.

use super::token::{Strings, Token, tokens};
use crate::model::privilege::Command;

/// What one part of a statement writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The table, without its schema.
    pub(crate) table: String,
    pub(crate) command: Command,
    /// The columns; `None` if an insert names none, and so writes all.
    pub(crate) columns: Option<Vec<String>>,
}

/// What the `INSERT`s and `UPDATE`s in a text write, also those in `WITH` and of `ON CONFLICT`.
pub(crate) fn written(sql: &str) -> Vec<Written> {
    let strings = Strings::of(sql).first().copied();
    let tokens: Vec<Token<'_>> = tokens(sql, strings.unwrap_or(Strings::Standard)).collect();
    let mut written: Vec<Written> = Vec::new();

    for at in 0..tokens.len() {
        let rest = &tokens[at..];
        if begins(rest, &["INSERT", "INTO"]) {
            written.extend(insert(&rest[2..]));
        } else if begins(rest, &["DO", "UPDATE", "SET"]) {
            let table = written.last().map(|earlier| earlier.table.clone());
            written.extend(table.map(|table| update_of(table, &rest[3..])));
        } else if begins(rest, &["UPDATE"]) {
            written.extend(update(&rest[1..]));
        }
    }

    written
}

fn insert(rest: &[Token<'_>]) -> Option<Written> {
    let (table, mut rest) = table(rest)?;
    if begins(rest, &["AS"]) {
        rest = rest.get(2..)?;
    }

    let columns = match rest {
        [Token::Symbol('('), Token::Word(word), ..] if is_query(word) => None,
        [Token::Symbol('('), list @ ..] => Some(targets(list)),
        [Token::Word(word), ..] if word.eq_ignore_ascii_case("DEFAULT") => Some(Vec::new()),
        _ => None,
    };

    Some(Written {
        table,
        command: Command::Insert,
        columns,
    })
}

fn update(rest: &[Token<'_>]) -> Option<Written> {
    let rest = if begins(rest, &["ONLY"]) {
        &rest[1..]
    } else {
        rest
    };
    let (table, rest) = table(rest)?;

    // `FOR UPDATE` has no `SET` behind the table; before it stand a star and an alias at most.
    let set = rest
        .iter()
        .take(4)
        .position(|token| is_word(*token, "SET"))?;
    Some(update_of(table, &rest[set + 1..]))
}

fn update_of(table: String, rest: &[Token<'_>]) -> Written {
    Written {
        table,
        command: Command::Update,
        columns: Some(targets(rest)),
    }
}

/// The last part of a name, and what follows it.
fn table<'t, 'a>(rest: &'t [Token<'a>]) -> Option<(String, &'t [Token<'a>])> {
    let (mut table, mut rest) = (name(*rest.first()?)?, &rest[1..]);
    while let [Token::Symbol('.'), next, after @ ..] = rest {
        (table, rest) = (name(*next)?, after);
    }

    Some((table, rest))
}

/// The names at the begin of each part between commas: `a, b)`, or `a = 1, (b, c) = (2, 3)`.
fn targets(rest: &[Token<'_>]) -> Vec<String> {
    const ENDS: [&str; 4] = ["FROM", "WHERE", "RETURNING", "ON"];

    let mut targets = Vec::new();
    let (mut depth, mut at_start, mut in_list) = (0_usize, true, false);
    for token in rest {
        match token {
            Token::Symbol('(') => {
                in_list = at_start;
                depth += 1;
            }
            Token::Symbol(')') if depth == 0 => break,
            Token::Symbol(')') => {
                depth -= 1;
                in_list = false;
                at_start = false;
            }
            Token::Symbol(';') => break,
            Token::Symbol(',') => at_start = depth == 0 || in_list,
            Token::Word(word)
                if depth == 0 && ENDS.iter().any(|end| word.eq_ignore_ascii_case(end)) =>
            {
                break;
            }
            token if at_start => {
                targets.extend(name(*token));
                at_start = false;
            }
            _ => {}
        }
    }

    targets
}

/// A name as the catalog has it.
fn name(token: Token<'_>) -> Option<String> {
    match token {
        Token::Word(word) => Some(word.to_lowercase()),
        Token::Quoted(name) => Some(name.replace("\"\"", "\"")),
        _ => None,
    }
}

fn is_query(word: &str) -> bool {
    ["SELECT", "WITH", "VALUES", "TABLE"]
        .iter()
        .any(|query| word.eq_ignore_ascii_case(query))
}

fn begins(tokens: &[Token<'_>], words: &[&str]) -> bool {
    tokens.len() >= words.len()
        && tokens
            .iter()
            .zip(words)
            .all(|(token, word)| is_word(*token, word))
}

fn is_word(token: Token<'_>, expected: &str) -> bool {
    matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (&'static str, Vec<(Command, Option<Vec<&'static str>>)>);

    #[test]
    fn columns_of_inserts_and_updates_are_read() {
        let insert = |columns: &[&'static str]| (Command::Insert, Some(columns.to_vec()));
        let update = |columns: &[&'static str]| (Command::Update, Some(columns.to_vec()));
        let cases: [Case; 13] = [
            (
                r#"INSERT INTO "task" ("a", "b") VALUES ($1, $2) RETURNING "a""#,
                vec![insert(&["a", "b"])],
            ),
            (
                "insert into s.task as t (A, \"B\"\"c\") select 1, 2",
                vec![insert(&["a", "B\"c"])],
            ),
            (
                "INSERT INTO task VALUES (1, 2)",
                vec![(Command::Insert, None)],
            ),
            (
                "INSERT INTO task (SELECT a, b FROM c)",
                vec![(Command::Insert, None)],
            ),
            ("INSERT INTO task DEFAULT VALUES", vec![insert(&[])]),
            (
                "INSERT INTO task (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = excluded.b, c = f(d, e)",
                vec![insert(&["a"]), update(&["b", "c"])],
            ),
            (
                r#"UPDATE "s"."task" SET "a" = $1, "b" = "b" + 1 WHERE "c" = $2"#,
                vec![update(&["a", "b"])],
            ),
            (
                "UPDATE ONLY task * AS t SET a = (SELECT b FROM c WHERE d = 1), e = 2",
                vec![update(&["a", "e"])],
            ),
            (
                "UPDATE task SET (a, b) = (1, 2), c = 3 FROM d",
                vec![update(&["a", "b", "c"])],
            ),
            (
                "UPDATE task SET a[1] = f(b, c), d.e = 2 RETURNING a, f",
                vec![update(&["a", "d"])],
            ),
            (
                "WITH x AS (UPDATE task SET a = 1 RETURNING b) INSERT INTO task (c) SELECT b FROM x",
                vec![update(&["a"]), insert(&["c"])],
            ),
            ("SELECT a FROM task FOR UPDATE OF task", vec![]),
            ("DELETE FROM task WHERE a = 'UPDATE task SET b = 1'", vec![]),
        ];

        for (sql, expected) in cases {
            let found = written(sql);
            let read: Vec<_> = found
                .iter()
                .map(|it| {
                    let columns = it.columns.as_ref();
                    (
                        it.command,
                        columns.map(|it| it.iter().map(String::as_str).collect()),
                    )
                })
                .collect();

            assert_eq!(read, expected, "{sql}");
            assert!(found.iter().all(|it| it.table == "task"), "{sql}");
        }
    }
}
