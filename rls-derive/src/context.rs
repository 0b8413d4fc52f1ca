//! `#[derive(RlsContext)]`: each field of a struct is a setting.

mod attr;
mod expand;
mod field;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::ctxt::Ctxt;
use crate::root::root;

/// Expands the derive. With an error, it implements the traits too, so that the compiler reports
/// nothing more.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };

    let ctxt = Ctxt::new();
    let root = root(attr::root(&ctxt, &input.attrs).as_ref());
    let settings = field::settings(&ctxt, &input);

    match ctxt.check() {
        Ok(()) => expand::expand(&root, &input, &settings),
        Err(error) => {
            let error = error.into_compile_error();
            let fallback = expand::fallback(&root, &input);
            quote!(#error #fallback)
        }
    }
}
