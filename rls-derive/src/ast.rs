//! The `Model` struct, and what its attribute makes of it.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Field, Fields, Ident};

use crate::attr::{Attr, Name};
use crate::ctxt::Ctxt;

/// The owner column where the attribute names no other.
pub const DEFAULT_OWNER: &str = "owner_id";

/// A SeaORM `Model` with its `#[user_scoped(…)]`.
pub struct Model<'a> {
    pub ident: &'a Ident,
    pub fields: Vec<&'a Field>,
    pub owner: Owner<'a>,
    pub attr: &'a Attr,
}

/// Where a row says whose it is.
pub enum Owner<'a> {
    /// Its primary key: it is a user. The span is the key `identity`'s.
    Identity(Span),
    /// A field of the model.
    Field(&'a Field),
    /// A column of the table that the model has no field for.
    Column(String),
}

impl<'a> Model<'a> {
    /// `None`, and an error, where the input is no struct with named fields called `Model`.
    pub fn parse(ctxt: &Ctxt, input: &'a DeriveInput, attr: &'a Attr) -> Option<Self> {
        let Data::Struct(data) = &input.data else {
            return wrong(ctxt, input);
        };
        let Fields::Named(fields) = &data.fields else {
            return wrong(ctxt, input);
        };
        if input.ident != "Model" {
            return wrong(ctxt, input);
        }
        let fields: Vec<&Field> = fields.named.iter().collect();
        let owner = owner(&fields, attr);
        Some(Self { ident: &input.ident, fields, owner, attr })
    }

    /// The field of that name; `name` is without `r#`.
    pub fn field(&self, name: &str) -> Option<&'a Field> {
        find(&self.fields, name)
    }
}

fn wrong<T>(ctxt: &Ctxt, input: &DeriveInput) -> Option<T> {
    let message = "`UserScoped` belongs on a SeaORM `Model`: a struct with named fields called `Model`";
    ctxt.error_spanned_by(&input.ident, message);
    None
}

fn owner<'a>(fields: &[&'a Field], attr: &Attr) -> Owner<'a> {
    if let Some(span) = attr.identity {
        return Owner::Identity(span);
    }
    let name = owner_name(attr);
    find(fields, name).map_or_else(|| Owner::Column(name.to_owned()), Owner::Field)
}

/// The owner's field or column.
pub fn owner_name(attr: &Attr) -> &str {
    attr.owner.as_ref().map_or(DEFAULT_OWNER, |Name { value, .. }| value)
}

/// The field's name without `r#`, as SeaORM's columns know it.
pub fn field_name(field: &Field) -> Option<String> {
    field.ident.as_ref().map(|ident| ident.unraw().to_string())
}

fn find<'a>(fields: &[&'a Field], name: &str) -> Option<&'a Field> {
    fields.iter().find(|field| field_name(field).is_some_and(|field| field == name)).copied()
}
