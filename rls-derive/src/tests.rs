//! The macros as functions over tokens.

mod context;
mod derives;
mod errors;
mod expansion;
mod model;
mod policies;
mod rows;
mod tenant;
mod test;
mod unscoped;
mod words;

use proc_macro2::TokenStream;
use syn::Item;

use crate::derive::Derive;
use crate::expand::expand;

fn tokens(source: &str) -> TokenStream {
    source.parse().expect("the input's tokens")
}

fn file(tokens: TokenStream) -> syn::File {
    syn::parse2(tokens).expect("an expansion is items")
}

/// The errors in an expansion: where each is, and its message.
fn compile_errors(expansion: TokenStream) -> Vec<(String, String)> {
    let items = file(expansion).items.into_iter();
    items
        .filter_map(|item| match item {
            Item::Macro(item) if item.mac.path.segments.last()?.ident == "compile_error" => {
                let message: syn::LitStr = item.mac.parse_body().expect("a message");
                let start = item.mac.path.leading_colon?.spans[0];
                let at = start
                    .join(message.span())
                    .and_then(|span| span.source_text());

                Some((
                    at.unwrap_or_else(|| "the macro".to_owned()),
                    message.value(),
                ))
            }
            _ => None,
        })
        .collect()
}

/// The errors of a derive on a struct.
fn errors_of(derive: Derive, input: &str) -> Vec<(String, String)> {
    compile_errors(expand(derive, tokens(input)))
}

#[track_caller]
fn assert_errors_of(derive: Derive, input: &str, expected: &[(&str, &str)]) {
    let found = errors_of(derive, input);
    let found: Vec<_> = found
        .iter()
        .map(|(at, message)| (at.as_str(), message.as_str()))
        .collect();
    assert_eq!(found, expected, "{input}");
}

/// Tests that compare expansions with their snapshots, whose headers show the input.
macro_rules! expansions {
    ($macro_name:literal, $expand:expr; $($name:ident: $input:literal)*) => {
        $(
            #[test]
            fn $name() {
                let expansion = $crate::tests::file($expand($crate::tests::tokens($input)));
                insta::with_settings!({
                    description => $input.trim(),
                    omit_expression => true,
                    prepend_module_to_snapshot => false,
                }, {
                    let name = concat!($macro_name, "_", stringify!($name));
                    insta::assert_snapshot!(name, prettyplease::unparse(&expansion));
                });
            }
        )*
    };
}

use expansions;
