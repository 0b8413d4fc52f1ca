//! The library of a migration crate: the module's line, and the migration in the list.

use proc_macro2::TokenTree;
use syn::spanned::Spanned;
use syn::{Block, Expr, File, ImplItem, Item, MacroDelimiter, Stmt};

use super::MigrationName;

/// The library with the migration in it; `None` if it is laid out otherwise than by `sea-orm-cli`.
///
/// The parser says where the two lines go; all other text stays as its author formatted it.
pub(super) fn with(library: &str, name: &MigrationName) -> Option<String> {
    let file = syn::parse_str(library).ok()?;
    let list = list(&file)?;
    let module = module(&file, library)?;
    if module > list.open {
        return None;
    }

    let (before, between) = library[..list.open].split_at(module);
    let inside = extended(library, &list, name);

    Some(format!(
        "{before}mod {name};\n{between}{inside}{}",
        &library[list.close..]
    ))
}

/// What to add by hand.
pub(super) fn lines(name: &MigrationName) -> String {
    format!("mod {name};\nBox::new({name}::Migration),")
}

/// Where the module's line goes: below the last migration's, or below the last one that declares or
/// imports.
fn module(file: &File, library: &str) -> Option<usize> {
    let (mut migration, mut other) = (None, None);
    for item in &file.items {
        let end = item.span().byte_range().end;

        match item {
            Item::Mod(module) if is_migration(&module.ident.to_string()) => migration = Some(end),
            Item::Mod(_) | Item::Use(_) => other = Some(end),
            _ => {}
        }
    }

    // A comment may stand behind it.
    let end = migration.or(other)?;
    Some(end + library[end..].find('\n')? + 1)
}

fn is_migration(module: &str) -> bool {
    module
        .strip_prefix('m')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains('_'))
}

/// The places of `vec![…]`: behind its bracket, behind the last token between the brackets, and
/// before the other bracket.
struct List {
    open: usize,
    last: usize,
    close: usize,
    needs_comma: bool,
}

/// The list of the one `fn migrations`, if that is all it returns.
fn list(file: &File) -> Option<List> {
    let items = file.items.iter().flat_map(|item| match item {
        Item::Impl(implementation) => implementation.items.as_slice(),
        _ => &[],
    });

    let mut bodies = items.filter_map(migrations);
    let (Some(body), None) = (bodies.next(), bodies.next()) else {
        return None;
    };
    let [Stmt::Expr(Expr::Macro(expression), None)] = body.stmts.as_slice() else {
        return None;
    };
    let (true, MacroDelimiter::Bracket(bracket)) = (
        expression.mac.path.is_ident("vec"),
        &expression.mac.delimiter,
    ) else {
        return None;
    };

    let open = bracket.span.open().byte_range().end;
    let last = expression.mac.tokens.clone().into_iter().last();
    let is_comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');

    Some(List {
        open,
        last: last
            .as_ref()
            .map_or(open, |token| token.span().byte_range().end),
        close: bracket.span.close().byte_range().start,
        needs_comma: last.is_some_and(|token| !is_comma(&token)),
    })
}

fn migrations(item: &ImplItem) -> Option<&Block> {
    match item {
        ImplItem::Fn(function) if function.sig.ident == "migrations" => Some(&function.block),
        _ => None,
    }
}

/// The inside of the list with one more.
fn extended(library: &str, list: &List, name: &MigrationName) -> String {
    let code = &library[list.open..list.last];
    let comments = library[list.last..list.close].trim_end();
    if code.is_empty() && comments.is_empty() {
        return format!("Box::new({name}::Migration)");
    }

    let comma = if list.needs_comma { "," } else { "" };
    let start = if library[list.open..].starts_with('\n') {
        ""
    } else {
        "\n            "
    };

    format!("{start}{code}{comma}{comments}\n            Box::new({name}::Migration),\n        ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(list: &str) -> Option<String> {
        let name = MigrationName::new("new", chrono::DateTime::UNIX_EPOCH).unwrap();
        let library = format!(
            "pub use a::*;\n\nmod m2_a; // a comment\n\nimpl M for X {{\n    fn migrations() -> V \
             {{\n        {list}\n    }}\n}}\n"
        );
        let after = with(&library, &name)?;

        assert!(
            after.starts_with(
                "pub use a::*;\n\nmod m2_a; // a comment\nmod m19700101_000000_new;\n\nimpl"
            ),
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
        const BOTH: &str =
            "vec![\n            Box::new(m2_a::Migration),\n            Box::new(NEW),\n        ]";

        for (list, expected) in [
            ("vec![]", "vec![Box::new(NEW)]"),
            ("vec![\n        ]", "vec![Box::new(NEW)]"),
            ("vec![Box::new(m2_a::Migration)]", BOTH),
            (
                "vec![\n            Box::new(m2_a::Migration),\n        ]",
                BOTH,
            ),
            (
                "vec![\n            Box::new(m2_a::Migration)\n        ]",
                BOTH,
            ),
            (
                "vec![\n            named(\"]\") // the ] first\n        ]",
                "vec![\n            named(\"]\"), // the ] first\n            Box::new(NEW),\n        \
                 ]",
            ),
            (
                "vec![/* none ] */]",
                "vec![\n            /* none ] */\n            Box::new(NEW),\n        ]",
            ),
        ] {
            assert_eq!(edited(list).as_deref(), Some(expected), "{list}");
        }
    }

    #[test]
    fn what_is_laid_out_otherwise_is_left_alone() {
        for list in [
            "let mut all = vec![]; all.sort(); all",
            "vec![Box::new(a)].into_iter().rev().collect()",
            "smallvec![]",
            "vec!()",
            "all()",
            "vec![",
        ] {
            assert_eq!(edited(list), None, "{list}");
        }
    }

    #[test]
    fn a_library_of_many_bytes_is_cut_between_characters() {
        let name = MigrationName::new("new", chrono::DateTime::UNIX_EPOCH).unwrap();
        let library = "//! Größe 表\nmod m2_a;\nimpl M for X { fn migrations() -> V { vec![/* ä */] \
                       } }\n";

        assert_eq!(
            with(library, &name).unwrap(),
            "//! Größe 表\nmod m2_a;\nmod m19700101_000000_new;\nimpl M for X { fn migrations() -> \
             V { vec![\n            /* ä */\n            Box::new(m19700101_000000_new::Migration),\n        ] } \
             }\n"
        );
    }
}
