//! The library of a migration crate: the module's line, and the migration in the list.

use super::MigrationName;

/// The library with the migration in it; `None` where it is not laid out so that this is safe.
pub(super) fn with(library: &str, name: &MigrationName) -> Option<String> {
    let list = list(library)?;
    let module = module(library)?;
    if module > list.open {
        return None;
    }

    let inside = extended(
        &library[list.open..list.close],
        list.code_end - list.open,
        name,
    );

    let (before, between) = library[..list.open].split_at(module);

    Some(format!(
        "{before}mod {name};\n{between}{inside}{}",
        &library[list.close..]
    ))
}

/// What to add by hand.
pub(super) fn lines(name: &MigrationName) -> String {
    format!("mod {name};\nBox::new({name}::Migration),")
}

/// Where the module's line goes: after the last migration's, or after the last line that declares
/// or imports.
fn module(library: &str) -> Option<usize> {
    let mut end = 0;
    let (mut migration, mut other) = (None, None);

    for line in library.split_inclusive('\n') {
        end += line.len();

        let words = line
            .trim_end()
            .strip_prefix("pub ")
            .unwrap_or(line.trim_end());

        let Some(declared) = words.strip_suffix(';') else {
            continue;
        };
        if !line.ends_with('\n') {
            continue;
        }

        match declared.split_once(' ') {
            Some(("mod", module)) if is_migration(module) => migration = Some(end),
            Some(("mod" | "use", _)) => other = Some(end),
            _ => {}
        }
    }

    migration.or(other)
}

fn is_migration(module: &str) -> bool {
    module
        .strip_prefix('m')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains('_'))
}

/// The places of `vec![…]`: behind its bracket, before the other, and behind the last token between
/// them.
struct List {
    open: usize,
    close: usize,
    code_end: usize,
}

/// The one list of `fn migrations`.
fn list(library: &str) -> Option<List> {
    const LIST: &str = "vec![";

    let mut functions = library.match_indices("fn migrations(");
    let (function, None) = (functions.next()?.0, functions.next()) else {
        return None;
    };
    let open = function + library[function..].find(LIST)? + LIST.len();

    // Anything but the list between the braces could use it otherwise.
    let body = library[function..open - LIST.len()].split_once('{')?.1;
    if !body.trim().is_empty() {
        return None;
    }

    let (mut depth, mut code_end, mut at) = (1_u32, open, open);
    while let Some(c) = library[at..].chars().next() {
        let rest = &library[at..];
        if rest.starts_with("//") {
            at += rest.find('\n')?;
            continue;
        }

        match c {
            // Text and other comments may hold brackets: such a list is not edited.
            '"' | '\'' => return None,
            _ if rest.starts_with("/*") => return None,
            '[' | '(' | '{' => depth += 1,
            ']' | ')' | '}' => depth -= 1,
            _ => {}
        }

        if depth == 0 {
            let closes = library[at..]
                .strip_prefix(']')?
                .trim_start()
                .starts_with('}');

            return closes.then_some(List {
                open,
                close: at,
                code_end,
            });
        }

        at += c.len_utf8();

        if !c.is_whitespace() {
            code_end = at;
        }
    }

    None
}

/// The inside of the list with one more; `code_end` is behind its last token.
fn extended(inside: &str, code_end: usize, name: &MigrationName) -> String {
    let (code, rest) = inside.split_at(code_end);
    if code.trim().is_empty() && rest.trim().is_empty() {
        return format!("Box::new({name}::Migration)");
    }

    let comma = if code.trim().is_empty() || code.ends_with(',') {
        ""
    } else {
        ","
    };

    let rest = rest.trim_end();
    let start = if inside.starts_with('\n') {
        ""
    } else {
        "\n            "
    };

    format!("{start}{code}{comma}{rest}\n            Box::new({name}::Migration),\n        ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(list: &str) -> Option<String> {
        let name = MigrationName::new("new", chrono::DateTime::UNIX_EPOCH).unwrap();
        let library = format!(
            "pub use a::*;\n\nmod m2_a;\n\nfn migrations() -> V {{\n        {list}\n    }}\n}}\n"
        );
        let after = with(&library, &name)?;

        assert!(
            after.starts_with("pub use a::*;\n\nmod m2_a;\nmod m19700101_000000_new;\n\nfn"),
            "{after}"
        );

        let (_, body) = after.split_once("{\n        ")?;

        Some(
            body.strip_suffix("\n    }\n}\n")?
                .replace("m19700101_000000_new::Migration", "NEW"),
        )
    }

    #[test]
    fn lists_are_extended_as_they_are_laid_out() {
        assert_eq!(edited("vec![]").unwrap(), "vec![Box::new(NEW)]");

        let one =
            "vec![\n            Box::new(m2_a::Migration),\n            Box::new(NEW),\n        ]";
        assert_eq!(edited("vec![Box::new(m2_a::Migration)]").unwrap(), one);
        assert_eq!(
            edited("vec![\n            Box::new(m2_a::Migration),\n        ]").unwrap(),
            one
        );
        assert_eq!(
            edited("vec![\n            Box::new(m2_a::Migration)\n        ]").unwrap(),
            one
        );

        let comment = "vec![\n            Box::new(m2_a::Migration), // the ] first\n            \
                       Box::new(NEW),\n        ]";

        assert_eq!(
            edited("vec![\n            Box::new(m2_a::Migration) // the ] first\n        ]")
                .unwrap(),
            comment
        );
    }

    #[test]
    fn what_is_laid_out_otherwise_is_left_alone() {
        for list in [
            "let mut all = vec![]; all.sort(); all",
            "vec![Box::new(a)].into_iter().rev().collect()",
            "vec![named(\"]\")]",
            "vec![/* none ] */]",
            "all()",
            "vec![",
        ] {
            assert_eq!(edited(list), None, "{list}");
        }
    }
}
