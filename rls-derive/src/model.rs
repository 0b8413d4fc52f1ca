//! `#[sea_orm_rls::model]`: adds the owner, then is `#[sea_orm::model]`.

mod field;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, ItemStruct, Path, Token};

use crate::attr::{Attr, USER_SCOPED};
use crate::ctxt::Ctxt;
use crate::expand::Root;

/// Expands the attribute; errors come with the struct, less what only the missing derive would understand.
pub fn expand(root: Root, args: &TokenStream, input: &TokenStream) -> TokenStream {
    let Ok(mut item) = syn::parse2::<ItemStruct>(input.clone()) else {
        let message = "`#[sea_orm_rls::model]` belongs on a SeaORM `Model` struct";
        let error = syn::Error::new(Span::call_site(), message).into_compile_error();
        return quote!(#error #input);
    };
    let ctxt = Ctxt::new();
    if !args.is_empty() {
        let message = "`#[sea_orm_rls::model]` takes no arguments; what it adds is told by `#[user_scoped(…)]`";
        ctxt.error_spanned_by(args, message);
    }
    let derives = Derives::of(&item.attrs);
    let is_scoped = derives.user_scoped(&ctxt);
    if is_scoped {
        add_owner(&ctxt, root, &mut item);
    } else {
        item.attrs.retain(|attr| !attr.path().is_ident(USER_SCOPED));
    }
    let error = ctxt.check().err().map(syn::Error::into_compile_error);
    let model = derives.has("DeriveEntityModel").then(|| quote!(#[sea_orm::model]));
    quote!(#error #model #item)
}

/// The names of the derives below the attribute.
struct Derives(Vec<Ident>);

impl Derives {
    fn of(attrs: &[Attribute]) -> Self {
        let paths = Punctuated::<Path, Token![,]>::parse_terminated;
        let lists = attrs.iter().filter(|attr| attr.path().is_ident("derive"));
        let paths = lists.filter_map(|attr| attr.parse_args_with(paths).ok()).flatten();
        Self(paths.filter_map(|path| path.segments.last().map(|segment| segment.ident.clone())).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|ident| ident == name)
    }

    fn user_scoped(&self, ctxt: &Ctxt) -> bool {
        if self.has("UserScoped") || self.has("UserScopedCore") {
            return true;
        }
        let message = if self.has("DeriveEntityModel") {
            "derive `UserScoped` beside `DeriveEntityModel`: without it nothing scopes the table to its users"
        } else {
            // A derive above has been expanded and taken away before this attribute sees the struct.
            "put `#[sea_orm_rls::model]` above `#[derive(…, DeriveEntityModel, UserScoped)]`"
        };
        ctxt.error_at(Span::call_site(), message);
        false
    }
}

fn add_owner(ctxt: &Ctxt, root: Root, item: &mut ItemStruct) {
    // The derive reads the same attributes after this macro, and reports what is wrong with them.
    let reported = Ctxt::new();
    let attr = Attr::parse(&reported, &item.attrs);
    reported.discard();
    if let Fields::Named(fields) = &mut item.fields
        && attr.identity.is_none()
    {
        field::add_owner(ctxt, &root.path(&attr), &attr, fields);
        field::add_relation(ctxt, &attr, fields);
    }
}
