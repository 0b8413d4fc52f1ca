//! The expansion of `RlsContext`.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DeriveInput, Generics, Path, Type, parse_quote_spanned};

use super::field::Setting;

/// Implements `RlsContext`, and `Debug` without the values.
pub(super) fn expand(root: &Path, input: &DeriveInput, settings: &[Setting<'_>]) -> TokenStream {
    let names = settings.iter().map(|setting| &setting.name);
    let values = settings.iter().map(|Setting { field, ty, .. }| {
        // The type has its own tokens, so that an error about it is at the field.
        quote!(<#ty as #root::__private::SettingValue>::to_setting(&self.#field))
    });

    let body = quote!(#root::__private::Settings::new() #(.with(#names, #values))?*);
    let context = context(
        root,
        input,
        &bounded(root, &input.generics, settings),
        &body,
    );

    let fields = settings.iter().map(|Setting { field, name, .. }| {
        let (field, shown) = (field.unraw().to_string(), format!("<{}>", name.value()));
        quote!(.field(#field, &::core::format_args!(#shown)))
    });

    let debug = debug(input, &quote!(#(#fields)*));
    quote!(#context #debug)
}

/// Implements both traits beside a `compile_error!`, so that one mistake is one error.
pub(super) fn fallback(root: &Path, input: &DeriveInput) -> TokenStream {
    let context = context(
        root,
        input,
        &input.generics,
        &quote!(::core::unreachable!()),
    );

    let debug = debug(input, &TokenStream::new());
    quote!(#context #debug)
}

fn context(
    root: &Path,
    input: &DeriveInput,
    generics: &Generics,
    body: &TokenStream,
) -> TokenStream {
    let ident = &input.ident;
    let (_, of, _) = input.generics.split_for_impl();
    let (parameters, _, bounds) = generics.split_for_impl();

    quote! {
        #[automatically_derived]
        impl #parameters #root::__private::RlsContext for #ident #of #bounds {
            fn settings(&self) -> ::core::result::Result<#root::__private::Settings, #root::__private::ContextError> {
                #body
            }
        }
    }
}

fn debug(input: &DeriveInput, fields: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    let name = ident.unraw().to_string();
    let (parameters, of, bounds) = input.generics.split_for_impl();

    quote! {
        #[automatically_derived]
        impl #parameters ::core::fmt::Debug for #ident #of #bounds {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#name) #fields .finish_non_exhaustive()
            }
        }
    }
}

/// The struct's generics, with a bound for every setting of a generic type.
fn bounded(root: &Path, generics: &Generics, settings: &[Setting<'_>]) -> Generics {
    let mut bounded = generics.clone();
    for Setting { ty, .. } in settings {
        if is_generic(ty, generics) {
            let bound = parse_quote_spanned!(ty.span()=> #ty: #root::__private::SettingValue);
            bounded.make_where_clause().predicates.push(bound);
        }
    }

    bounded
}

fn is_generic(ty: &Type, generics: &Generics) -> bool {
    fn mentions(tokens: TokenStream, generics: &Generics) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Group(group) => mentions(group.stream(), generics),
            TokenTree::Ident(ident) => generics
                .type_params()
                .any(|parameter| parameter.ident == ident),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }

    mentions(ty.to_token_stream(), generics)
}
