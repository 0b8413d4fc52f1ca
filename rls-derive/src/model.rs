//! `#[sea_orm_rls::model]`: adds the owner, then is `#[sea_orm::model]`.

mod field;

use proc_macro2::{Span, TokenStream};
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
    // `#[sea_orm::model]` above copies its attributes from `Model` to the `ModelEx` beside it.
    if item.ident == "ModelEx" {
        return input.clone();
    }
    let ctxt = Ctxt::new();
    if !args.is_empty() {
        let message = "`#[sea_orm_rls::model]` takes no arguments; what it adds is told by `#[user_scoped(…)]`";
        ctxt.error_spanned_by(args, message);
    }
    let is_seaorm_model = seaorm_model(&ctxt, &item.attrs);
    match is_scoped(&ctxt, &item.attrs) {
        true if is_seaorm_model => {}
        true => add_owner(&ctxt, root, &mut item),
        false => item.attrs.retain(|attr| !attr.path().is_ident(USER_SCOPED)),
    }
    let model = (derives(&item.attrs, "DeriveEntityModel") && !is_seaorm_model).then(|| quote!(#[sea_orm::model]));
    let error = ctxt.check().err().map(syn::Error::into_compile_error);
    quote!(#error #model #item)
}

/// Whether SeaORM's attribute stands on the struct as well: below, or above, which leaves `#[sea_orm(model_ex)]`.
fn seaorm_model(ctxt: &Ctxt, attrs: &[Attribute]) -> bool {
    let below = attrs.iter().any(|attr| {
        let last_two = attr.path().segments.iter().rev().take(2).map(|segment| segment.ident.to_string());
        let last_two: Vec<String> = last_two.collect();
        matches!(last_two.as_slice(), [name, of] if of == "sea_orm" && (name == "model" || name == "compact_model"))
    });
    let above = attrs
        .iter()
        .filter(|attr| attr.path().is_ident("sea_orm"))
        .any(|attr| attr.parse_args::<Path>().is_ok_and(|path| path.is_ident("model_ex")));
    if below || above {
        let message = "`#[sea_orm_rls::model]` stands in the place of `#[sea_orm::model]`, not beside it";
        ctxt.error_at(Span::call_site(), message);
    }
    below || above
}

/// Whether a derive of that name is below the attribute.
fn derives(attrs: &[Attribute], name: &str) -> bool {
    let paths = Punctuated::<Path, Token![,]>::parse_terminated;
    let lists = attrs.iter().filter(|attr| attr.path().is_ident("derive"));
    let mut derives = lists.filter_map(|attr| attr.parse_args_with(paths).ok()).flatten();
    derives.any(|path| path.segments.last().is_some_and(|last| last.ident == name))
}

fn is_scoped(ctxt: &Ctxt, attrs: &[Attribute]) -> bool {
    // A derive above has been expanded, and taken away, before this attribute sees the struct.
    let message = if !derives(attrs, "DeriveEntityModel") {
        "put `#[sea_orm_rls::model]` above `#[derive(…, DeriveEntityModel, UserScoped)]`"
    } else if !derives(attrs, "UserScoped") && !derives(attrs, "UserScopedCore") {
        "derive `UserScoped` beside `DeriveEntityModel`: without it nothing scopes the table to its users"
    } else {
        return true;
    };
    ctxt.error_at(Span::call_site(), message);
    false
}

fn add_owner(ctxt: &Ctxt, root: Root, item: &mut ItemStruct) {
    // The derive reads the same attributes after this macro, and reports what is wrong with them.
    let reported = Ctxt::new();
    let attr = Attr::parse(&reported, &item.attrs);
    reported.discard();
    if let Fields::Named(fields) = &mut item.fields
        && attr.identity.is_none()
    {
        field::add_owner(ctxt, &root.path(attr.root.as_ref()), &attr, fields);
        field::add_relation(ctxt, &attr, fields);
    }
}
