//! What `#[sea_orm_rls::test]` expands to.

use proc_macro2::TokenStream;
use syn::{ItemFn, Meta};

use super::{compile_errors, expansions, tokens};

/// Expands the first attribute of the function, as the compiler would.
fn expand(input: TokenStream) -> TokenStream {
    use quote::ToTokens;

    let mut function: ItemFn = syn::parse2(input).expect("a function");
    let args = match function.attrs.remove(0).meta {
        Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    crate::test::expand(&args, &function.into_token_stream())
}

expansions! {
    "test", expand;

    migrator: "
#[test(migrator = Migrator)]
async fn kept_apart(db: TestDatabase) { db.assert_isolated().await.unwrap(); }"

    all_keys: r#"
#[test(migrator = migration::Migrator, registry = registry![user::Entity],
    signed_contexts = SignedContexts::Required, crate = my::rls)]
/// What it shows.
#[should_panic = "no"]
pub(crate) async fn fails(db: TestDatabase) -> Result<(), TestError> { Ok(()) }"#
}

#[test]
fn mistakes_are_told_at_their_place() {
    let of = |input: &str| -> Vec<(String, String)> { compile_errors(expand(tokens(input))) };
    let assert = |input: &str, at: &str, words: &str| {
        let errors = of(input);
        let [(place, message)] = &errors[..] else {
            panic!("{input}: {errors:?}");
        };
        assert_eq!(place, at, "{input}");
        assert!(message.contains(words), "{message}");
    };

    let body = "async fn f(db: TestDatabase) {}";
    assert(
        &format!("#[test] {body}"),
        "the macro",
        "migrator = migration::Migrator",
    );
    assert(
        &format!("#[test(migrater = M)] {body}"),
        "migrater",
        "did you mean `migrator`?",
    );
    assert(
        &format!("#[test(migrator = M, migrator = M)] {body}"),
        "migrator",
        "given twice",
    );
    assert(
        "#[test(migrator = M)] fn f(db: TestDatabase) {}",
        "fn",
        "must be an `async fn`",
    );
    assert(
        "#[test(migrator = M)] async fn f() {}",
        "f",
        "takes one argument",
    );
    assert(
        "#[test(migrator = M)] async fn f<T>(db: T) {}",
        "<T>",
        "no generic parameters",
    );
}
