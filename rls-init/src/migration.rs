//! The program of a migration crate: wraps the migrator, and links the entities.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, File, Item, Stmt};

use crate::change::edited;

const PRELUDE: &str = "use sea_orm_migration::prelude::*;";
const IMPORT: &str = "use sea_orm_rls::migration::{RlsMigrator, cli};";

/// What a source does with a migrator.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// It has no command line.
    None,
    Wrapped,
    /// The source with `RlsMigrator` around the migrator.
    Wrap(String),
}

/// Looks for `run_cli(migrator)`.
pub(crate) fn wrap(text: &str) -> Program {
    let Ok(file) = syn::parse_str::<File>(text) else {
        return Program::None;
    };
    let mut calls = Calls::default();
    calls.visit_file(&file);
    let [call] = calls.found.as_slice() else {
        return Program::None;
    };
    if call.is_wrapped {
        return Program::Wrapped;
    }

    // Otherwise by its path, whatever the file imports.
    let is_template = is_template(&file, text);
    let path = if is_template {
        ""
    } else {
        "sea_orm_rls::migration::"
    };
    let argument = &text[call.argument.clone()];
    let wrapped = edited(
        text,
        vec![
            (call.function.clone(), format!("{path}cli::run_cli")),
            (
                call.argument.clone(),
                format!("{path}RlsMigrator::new({argument})"),
            ),
        ],
    );

    Program::Wrap(if is_template {
        wrapped.replacen(PRELUDE, IMPORT, 1)
    } else {
        wrapped
    })
}

struct Call {
    function: Range<usize>,
    argument: Range<usize>,
    is_wrapped: bool,
}

#[derive(Default)]
struct Calls {
    found: Vec<Call>,
}

impl<'a> Visit<'a> for Calls {
    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        if let (Expr::Path(function), Some(argument)) = (&*call.func, call.args.first())
            && call.args.len() == 1
            && function
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == "run_cli")
        {
            self.found.push(Call {
                function: function.span().byte_range(),
                argument: argument.span().byte_range(),
                is_wrapped: has_ident(argument.to_token_stream(), "RlsMigrator"),
            });
        }
        visit::visit_expr_call(self, call);
    }
}

/// A `main.rs` as `sea-orm-cli migrate init` writes it: imports, and `main` with one statement. So
/// nothing else uses the prelude.
fn is_template(file: &File, text: &str) -> bool {
    let [imports @ .., Item::Fn(main)] = file.items.as_slice() else {
        return false;
    };
    let is_import =
        |item: &Item| matches!(item, Item::Use(_)) && !has_ident(item.to_token_stream(), "cli");

    text.contains(PRELUDE)
        && imports.iter().all(is_import)
        && matches!(main.block.stmts.as_slice(), [Stmt::Expr(_, _)])
}

/// Whether a source names this identifier.
pub(crate) fn names(text: &str, ident: &str) -> bool {
    syn::parse_str::<File>(text).is_ok_and(|file| has_ident(file.to_token_stream(), ident))
}

fn has_ident(tokens: TokenStream, ident: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(found) => found == ident,
        TokenTree::Group(group) => has_ident(group.stream(), ident),
        _ => false,
    })
}

/// The library with lines that link these crates, below its imports.
pub(crate) fn link(text: &str, crates: &[String]) -> Option<String> {
    let file = syn::parse_str::<File>(text).ok()?;
    let after_imports = file
        .items
        .iter()
        .rev()
        .find(|item| matches!(item, Item::Use(_)))
        .map(|item| item.span().byte_range().end);
    let first = file
        .items
        .first()
        .map(|item| item.span().byte_range().start);

    let lines = |end: &str| {
        let uses: Vec<_> = crates
            .iter()
            .map(|name| format!("use {name} as _;"))
            .collect();
        format!(
            "// Links the entities, and so registers them.\n{}{end}",
            uses.join("\n")
        )
    };
    let (at, piece) = match after_imports {
        Some(end) if text[end..].starts_with("\n\n") => (end, format!("\n\n{}", lines(""))),
        Some(end) => (end, format!("\n\n{}", lines("\n"))),
        None => (first.unwrap_or(text.len()), lines("\n\n")),
    };

    Some(edited(text, vec![(at..at, piece)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "use sea_orm_migration::prelude::*;\n\n#[tokio::main]\nasync fn main() {\n    \
                            cli::run_cli(migration::Migrator).await;\n}\n";

    #[test]
    fn template_is_wrapped_once() {
        let expected = "use sea_orm_rls::migration::{RlsMigrator, cli};\n\n#[tokio::main]\nasync fn \
                        main() {\n    cli::run_cli(RlsMigrator::new(migration::Migrator)).await;\n}\n";
        assert_eq!(wrap(TEMPLATE), Program::Wrap(expected.to_owned()));
        assert_eq!(wrap(expected), Program::Wrapped);

        // With the migrator imported, the prelude would be an unused import.
        let imported = |text: &str| {
            format!(
                "use migration::Migrator;\n{}",
                text.replace("migration::Migrator", "Migrator")
            )
        };
        let wrapped = Program::Wrap(imported(expected));
        assert_eq!(wrap(&imported(TEMPLATE)), wrapped);
    }

    #[test]
    fn other_programs_are_wrapped_by_path() {
        let text =
            "use sea_orm_migration::cli;\nfn main() { log(); cli::run_cli(M { a: 1 }).await }\n";
        let expected = "use sea_orm_migration::cli;\nfn main() { log(); \
                        sea_orm_rls::migration::cli::run_cli(sea_orm_rls::migration::RlsMigrator::new(M \
                        { a: 1 })).await }\n";
        assert_eq!(wrap(text), Program::Wrap(expected.to_owned()));
        assert_eq!(wrap(expected), Program::Wrapped);

        for none in ["fn main() {}", "fn main() { a::run_cli(); }", "fn main("] {
            assert_eq!(wrap(none), Program::None, "{none}");
        }
    }

    #[test]
    fn entities_are_linked_below_the_imports() {
        let crates = ["entity".to_owned()];
        let comment = "// Links the entities, and so registers them.\nuse entity as _;";
        assert_eq!(
            link("pub use a::*;\n\nmod m1_a;\n", &crates).unwrap(),
            format!("pub use a::*;\n\n{comment}\n\nmod m1_a;\n")
        );
        assert_eq!(
            link("use a::b;\nstruct M;\n", &crates).unwrap(),
            format!("use a::b;\n\n{comment}\n\nstruct M;\n")
        );
        assert_eq!(
            link("//! Ours.\nmod m1_a;\n", &crates).unwrap(),
            format!("//! Ours.\n{comment}\n\nmod m1_a;\n")
        );
        assert!(names("use entity as _;", "entity") && !names("// entity", "entity"));
    }
}
