//! The assertion about the type of a column.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use crate::ast::{Anchor, Model};
use crate::derive::Derive;

/// Asserts the type of the column that names the user or tenant. With `user` or `tenant`, it must
/// be that of the primary key there, which the derive there asserts.
pub(super) fn expand(root: &Path, model: &Model<'_>) -> TokenStream {
    if !matches!(model.derive, Derive::UserScoped | Derive::TenantScoped) {
        return TokenStream::new();
    }

    let ident = model.ident;
    let private = quote!(#root::__private);
    let call = match (model.anchor(), &model.attr.holder) {
        (Anchor::Identity(span), _) => {
            quote_spanned!(span=> assert_identity::<<#ident as #private::ModelTrait>::Entity>())
        }
        (Anchor::Field(field), Some(holder)) => {
            let ty = &field.ty;
            quote_spanned!(ty.span()=> assert_owner_of::<#holder, #ty>())
        }
        (Anchor::Field(field), None) => {
            let ty = &field.ty;
            quote_spanned!(ty.span()=> assert_owner_key::<#ty>())
        }
        (Anchor::Column(_), Some(holder)) => {
            quote_spanned!(holder.span()=> assert_identity::<#holder>())
        }
        (Anchor::Column(_), None) | (Anchor::Through, _) => return TokenStream::new(),
    };

    quote!(const _: () = #private::#call;)
}
