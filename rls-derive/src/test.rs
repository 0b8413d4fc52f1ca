//! `#[sea_orm_rls::test]`: runs a function with a database of its own.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, Ident, ItemFn, Path, Result, Token, parse_quote};

use crate::ctxt::Ctxt;
use crate::root::root;
use crate::spelling::did_you_mean;

const KEYS: [&str; 4] = ["migrator", "registry", "signed_contexts", "crate"];

const USAGE: &str = "say which migrations make the tables: \
                     `#[sea_orm_rls::test(migrator = migration::Migrator)]`";

/// The keys of the attribute.
#[derive(Default)]
struct Keys {
    migrator: Option<Expr>,
    registry: Option<Expr>,
    signed_contexts: Option<Expr>,
    root: Option<Path>,
}

impl Parse for Keys {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut keys = Self::default();
        while !input.is_empty() {
            let key: Ident = input.call(syn::ext::IdentExt::parse_any)?;
            input.parse::<Token![=]>()?;

            let twice = match key.to_string().as_str() {
                "migrator" => keys.migrator.replace(input.parse()?).is_some(),
                "registry" => keys.registry.replace(input.parse()?).is_some(),
                "signed_contexts" => keys.signed_contexts.replace(input.parse()?).is_some(),
                "crate" => keys.root.replace(Path::parse_mod_style(input)?).is_some(),
                other => {
                    let hint = did_you_mean(other, KEYS);
                    let message = format!(
                        "unknown key `{other}`, expected `migrator`, `registry`, `signed_contexts` or \
                         `crate`{hint}"
                    );
                    return Err(Error::new_spanned(key, message));
                }
            };
            if twice {
                let message = format!("`{key}` is given twice");
                return Err(Error::new_spanned(key, message));
            }

            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }

        Ok(keys)
    }
}

/// Expands the attribute. With an error the function stays, without the attribute.
pub(crate) fn expand(args: &TokenStream, input: &TokenStream) -> TokenStream {
    let Ok(mut function) = syn::parse2::<ItemFn>(input.clone()) else {
        let message = "`#[sea_orm_rls::test]` belongs on an `async fn`";
        let error = Error::new(proc_macro2::Span::call_site(), message).into_compile_error();
        return quote!(#error #input);
    };

    let ctxt = Ctxt::new();
    let keys = syn::parse2::<Keys>(args.clone()).unwrap_or_else(|error| {
        ctxt.push(error);
        Keys::default()
    });
    if keys.migrator.is_none() && ctxt.is_clean() {
        if args.is_empty() {
            ctxt.error_at(proc_macro2::Span::call_site(), USAGE);
        } else {
            ctxt.error_spanned_by(args, USAGE);
        }
    }
    check(&ctxt, &function);

    if let Err(error) = ctxt.check() {
        let error = error.into_compile_error();
        return quote!(#error #[allow(dead_code)] #input);
    }

    let root = root(keys.root.as_ref());
    let migrator = keys.migrator;
    let registry = keys.registry.map(|registry| quote!(.registry(#registry)));
    let signed_contexts = keys
        .signed_contexts
        .map(|level| quote!(.signed_contexts(#level)));

    let attrs = std::mem::take(&mut function.attrs);
    let visibility = std::mem::replace(&mut function.vis, parse_quote!());
    let (name, output) = (&function.sig.ident, &function.sig.output);
    let text = name.to_string();

    quote! {
        #[::core::prelude::v1::test]
        #(#attrs)*
        #visibility fn #name() #output {
            #function

            #root::testing::__run(
                #root::testing::TestKit::new(#migrator)#registry #signed_contexts,
                #text,
                #name,
            )
        }
    }
}

fn check(ctxt: &Ctxt, function: &ItemFn) {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        ctxt.error_spanned_by(signature.fn_token, "the test must be an `async fn`");
    }

    let generics = &signature.generics;
    if !generics.params.is_empty() {
        ctxt.error_spanned_by(generics, "a test has no generic parameters");
    }

    if signature.inputs.len() != 1 {
        let message = "a test takes one argument, its database: `db: TestDatabase`";
        if signature.inputs.is_empty() {
            ctxt.error_spanned_by(&signature.ident, message);
        } else {
            ctxt.error_spanned_by(signature.inputs.to_token_stream(), message);
        }
    }
}
