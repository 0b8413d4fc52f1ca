//! The fields that `#[sea_orm_rls::model]` adds.

use proc_macro2::{Ident, Span};
use quote::{ToTokens, quote};
use syn::parse::ParseBuffer;
use syn::spanned::Spanned;
use syn::{
    Expr, ExprLit, Field, FieldsNamed, GenericArgument, Lit, LitStr, Path, PathArguments, Type,
    TypePath,
};
use syn::{parse_quote, parse_quote_spanned};

use crate::ast::{column_name, field_name};
use crate::attr::{Attr, OnDelete};
use crate::ctxt::Ctxt;
use crate::derive::Derive;
use crate::symbol::Word;

/// The relation's field.
const RELATION: &str = "owner";

/// Adds the field of the owner's column, unless the struct has it.
pub(super) fn add_owner(ctxt: &Ctxt, root: &Path, attr: &Attr, fields: &mut FieldsNamed) {
    let name = column_name(Derive::UserScoped, attr);
    if has_field(fields, name) {
        return;
    }

    let span = attr
        .column
        .as_ref()
        .map_or_else(Span::call_site, |name| name.span);

    let Some(ident) = identifier(name, span) else {
        ctxt.error_at(
            span,
            "`#[sea_orm_rls::model]` adds a field of that name, which has to be an identifier",
        );
        return;
    };

    // SeaORM reads a field's type as text without spaces, so it cannot be `<U as EntityTrait>`, but
    // an alias.
    let field = match &attr.holder {
        Some(user) => parse_quote_spanned! {span=>
            #[doc = " The user the row belongs to."]
            pub #ident: #root::__private::KeyOf<#user>
        },
        None => parse_quote_spanned! {span=>
            #[doc = " The user the row belongs to."]
            #[sea_orm(column_type = "Uuid")]
            pub #ident: #root::__private::Uuid
        },
    };

    fields.named.push(field);
}

/// Adds the relation `owner` if `user` names its entity, unless the struct has a field of that name
/// or another relation by the owner's column.
pub(super) fn add_relation(ctxt: &Ctxt, attr: &Attr, fields: &mut FieldsNamed) {
    let Some(user) = &attr.holder else {
        return;
    };
    let from = column_name(Derive::UserScoped, attr);
    if has_field(fields, RELATION) || fields.named.iter().any(|field| belongs_to_by(field, from)) {
        return;
    }

    if user.qself.is_some()
        || user
            .path
            .segments
            .last()
            .is_none_or(|last| last.ident != "Entity")
    {
        let message = "`#[sea_orm_rls::model]` adds the relation `owner`, which SeaORM wants by a \
                       path to an `Entity`";
        ctxt.error_spanned_by(user, message);
        return;
    }

    let span = user.span();
    let from = LitStr::new(from, span);
    let to = attr.to.as_ref().map_or_else(
        || LitStr::new("id", span),
        |to| LitStr::new(&to.value, to.span),
    );

    let key = if attr.says(Word::NoForeignKey) {
        quote!(skip_fk)
    } else {
        let action = attr.on_delete.unwrap_or(OnDelete::Cascade).variant();
        quote!(on_delete = #action)
    };

    // By default SeaORM names a relation after its entity, and two of the same name do not compile.
    let name = fields
        .named
        .iter()
        .any(|field| relates_to(field, user))
        .then(|| quote!(, relation_enum = "Owner"));

    let ident = Ident::new(RELATION, Span::call_site());
    let field: Field = parse_quote! {
        #[doc = " The user the row belongs to."]
        #[sea_orm(belongs_to, from = #from, to = #to, #key #name)]
        pub #ident: BelongsTo<#user>
    };

    fields.named.push(field);
}

fn identifier(name: &str, span: Span) -> Option<Ident> {
    let ident = syn::parse_str::<Ident>(name).or_else(|_| syn::parse_str(&format!("r#{name}")));
    ident.ok().map(|mut ident| {
        ident.set_span(span);
        ident
    })
}

fn has_field(fields: &FieldsNamed, name: &str) -> bool {
    fields
        .named
        .iter()
        .any(|field| field_name(field).is_some_and(|field| field == name))
}

/// Whether the field is a relation by that column: `#[sea_orm(belongs_to, from = "…")]`.
fn belongs_to_by(field: &Field, column: &str) -> bool {
    let mut found = false;
    for attr in field
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("sea_orm"))
    {
        // SeaORM reports the errors in its attributes.
        let _ = attr.parse_nested_meta(|meta| {
            let value = meta.value().and_then(ParseBuffer::parse::<Expr>).ok();
            if meta.path.is_ident("from")
                && let Some(Expr::Lit(ExprLit {
                    lit: Lit::Str(from),
                    ..
                })) = value
            {
                found |= from.value() == column;
            }

            Ok(())
        });
    }

    found
}

/// Whether the field is `HasOne`, `HasMany` or `BelongsTo` of that entity or of its `Option`.
fn relates_to(field: &Field, entity: &TypePath) -> bool {
    let of = generic(&field.ty, &["BelongsTo", "HasOne", "HasMany"]);
    let of = of.map(|of| generic(of, &["Option"]).unwrap_or(of));
    of.is_some_and(|of| of.to_token_stream().to_string() == entity.to_token_stream().to_string())
}

/// The `T` of `Name<T>`, if the name is one of these.
fn generic<'a>(ty: &'a Type, names: &[&str]) -> Option<&'a Type> {
    let Type::Path(ty) = ty else {
        return None;
    };
    let last = ty.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };

    match arguments.args.first()? {
        GenericArgument::Type(inner) if names.iter().any(|name| last.ident == name) => Some(inner),
        _ => None,
    }
}
