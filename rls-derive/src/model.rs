//! `#[sea_orm_rls::model]`: adds the owner, and `#[sea_orm::model]`.

mod earlier;
mod field;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, ItemStruct, Path, Token};

use crate::ast::field_name;
use crate::attr::Attr;
use crate::check::elsewhere;
use crate::ctxt::Ctxt;
use crate::derive::Derive;
use crate::root::root;
use crate::symbol::Word;

/// Expands the attribute; `source` is the text of the file that has it, if it can be read. With an
/// error, the struct is kept, without the attributes that only a missing derive would know.
pub(crate) fn expand(args: &TokenStream, input: &TokenStream, source: Option<&str>) -> TokenStream {
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
        let message = "`#[sea_orm_rls::model]` takes no arguments; `#[user_scoped(…)]` says \
                       what it adds";
        ctxt.error_spanned_by(args, message);
    }

    let is_seaorm_model = seaorm_model(&ctxt, &item.attrs);
    let is_scoped = is_scoped(&ctxt, &item.attrs);
    let is_earlier = is_scoped && has_earlier_format(&ctxt, &item, source);
    match is_scoped {
        true if is_seaorm_model || is_earlier => {}
        true => add_owner(&ctxt, &mut item),
        false => item
            .attrs
            .retain(|attr| !attr.path().is_ident(Derive::UserScoped.attribute())),
    }

    let model = (derives(&item.attrs, "DeriveEntityModel") && !is_seaorm_model && !is_earlier)
        .then(|| quote!(#[sea_orm::model]));
    let error = ctxt.check().err().map(syn::Error::into_compile_error);

    quote!(#error #model #item)
}

/// Whether the struct has SeaORM's attribute too: below, or above, which leaves
/// `#[sea_orm(model_ex)]`.
fn seaorm_model(ctxt: &Ctxt, attrs: &[Attribute]) -> bool {
    let below = attrs.iter().any(|attr| {
        let names = attr.path().segments.iter().map(|segment| &segment.ident);
        match names.rev().take(2).collect::<Vec<_>>().as_slice() {
            [name, of] => *of == "sea_orm" && (*name == "model" || *name == "compact_model"),
            _ => false,
        }
    });

    let above = attrs
        .iter()
        .filter(|attr| attr.path().is_ident("sea_orm"))
        .any(|attr| {
            attr.parse_args::<Path>()
                .is_ok_and(|path| path.is_ident("model_ex"))
        });

    if below || above {
        let message =
            "`#[sea_orm_rls::model]` stands in the place of `#[sea_orm::model]`, not beside it";
        ctxt.error_at(Span::call_site(), message);
    }

    below || above
}

/// Whether the entity has a `Relation` of its own, which SeaORM's attribute would make again.
fn has_earlier_format(ctxt: &Ctxt, item: &ItemStruct, source: Option<&str>) -> bool {
    let earlier = source.is_some_and(|source| earlier::has_relation(source, item));
    if earlier {
        let message = "an entity with an `enum Relation` of its own has SeaORM's earlier format, \
                       which `#[sea_orm_rls::model]` does not extend: remove it, write the owner's \
                       field and its relation, and keep `#[derive(UserScoped)]`";
        ctxt.error_at(Span::call_site(), message);
    }

    earlier
}

/// Whether a derive of that name is below the attribute.
fn derives(attrs: &[Attribute], name: &str) -> bool {
    let paths = Punctuated::<Path, Token![,]>::parse_terminated;
    let lists = attrs.iter().filter(|attr| attr.path().is_ident("derive"));
    let mut derives = lists
        .filter_map(|attr| attr.parse_args_with(paths).ok())
        .flatten();

    derives.any(|path| path.segments.last().is_some_and(|last| last.ident == name))
}

fn is_scoped(ctxt: &Ctxt, attrs: &[Attribute]) -> bool {
    // A derive above has been expanded and removed before this attribute sees the struct.
    let message = if !derives(attrs, "DeriveEntityModel") {
        "put `#[sea_orm_rls::model]` above `#[derive(…, DeriveEntityModel, UserScoped)]`"
    } else if derives(attrs, Derive::UserScoped.name()) {
        return true;
    } else if Derive::ALL
        .into_iter()
        .any(|derive| derives(attrs, derive.name()))
    {
        "`#[sea_orm_rls::model]` adds the owner of `UserScoped`, which is not derived here: write \
         `#[sea_orm::model]`"
    } else {
        "derive `UserScoped` beside `DeriveEntityModel`: without it nothing scopes the table to \
         its users"
    };

    ctxt.error_at(Span::call_site(), message);
    false
}

fn add_owner(ctxt: &Ctxt, item: &mut ItemStruct) {
    // The derive reads the same attributes after this macro, and reports their errors.
    let reported = Ctxt::new();
    let attr = Attr::parse(&reported, Derive::UserScoped, &item.attrs);
    reported.discard();

    if let Fields::Named(fields) = &mut item.fields
        && !attr.says(Word::Identity)
        && !attr.says(Word::Via)
        && !attr.says(Word::TableOnly)
    {
        let names: Vec<String> = fields.named.iter().filter_map(field_name).collect();
        if let Some((span, message)) = elsewhere(Derive::UserScoped, &attr, &names) {
            let otherwise = "if both are meant, write the field of the owner too";
            ctxt.error_at(span, format!("{message} {otherwise}"));
        }

        field::add_owner(ctxt, &root(attr.root.as_ref()), &attr, fields);
        field::add_relation(ctxt, &attr, fields);
    }
}
