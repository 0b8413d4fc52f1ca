//! What stands in for an implementation that could not be expanded.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

use crate::ast::Model;

/// Keeps `Entity: UserScoped` true beside a `compile_error!`, so that one mistake is one error.
pub fn expand(root: &Path, model: &Model<'_>) -> TokenStream {
    let ident = model.ident;
    quote! {
        #[automatically_derived]
        impl #root::UserScoped for <#ident as #root::__private::ModelTrait>::Entity {
            fn declaration() -> #root::Declaration {
                ::core::unreachable!()
            }
        }
    }
}
