//! The `Model` struct and its attribute.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Field, Fields, Ident};

use crate::attr::Attr;
use crate::ctxt::Ctxt;
use crate::derive::Derive;
use crate::symbol::Word;

/// A SeaORM `Model` with a derive and its attribute.
pub(crate) struct Model<'a> {
    pub derive: Derive,
    pub ident: &'a Ident,
    pub fields: Vec<&'a Field>,
    pub attr: &'a Attr,
}

/// What says whose a row is.
pub(crate) enum Anchor<'a> {
    /// Its primary key: the row is a user or tenant. The span is that of `identity`.
    Identity(Span),
    /// A field of the model.
    Field(&'a Field),
    /// A column of the table for which the model has no field.
    Column(&'a str),
    /// The rows it refers to.
    Through,
}

impl<'a> Model<'a> {
    /// Reports an error, and returns `None`, if the input is no struct with named fields called
    /// `Model`.
    pub(crate) fn parse(
        ctxt: &Ctxt,
        derive: Derive,
        input: &'a DeriveInput,
        attr: &'a Attr,
    ) -> Option<Self> {
        let fields = match &input.data {
            Data::Struct(syn::DataStruct {
                fields: Fields::Named(fields),
                ..
            }) if input.ident == "Model" => fields,
            _ => {
                let name = derive.name();
                let message = format!(
                    "`{name}` belongs on a SeaORM `Model`: a struct with named fields called \
                     `Model`"
                );
                ctxt.error_spanned_by(&input.ident, message);
                return None;
            }
        };

        Some(Self {
            derive,
            ident: &input.ident,
            fields: fields.named.iter().collect(),
            attr,
        })
    }

    /// The field of a name without `r#`.
    pub(crate) fn field(&self, name: &str) -> Option<&'a Field> {
        self.fields
            .iter()
            .find(|field| field_name(field).is_some_and(|field| field == name))
            .copied()
    }

    pub(crate) fn anchor(&self) -> Anchor<'a> {
        if let Some(span) = self.attr.span_of(Word::Identity) {
            return Anchor::Identity(span);
        }

        if self.attr.says(Word::Via) {
            return Anchor::Through;
        }

        let name = column_name(self.derive, self.attr);
        self.field(name).map_or(Anchor::Column(name), Anchor::Field)
    }
}

/// The field or column that names the user or tenant.
pub(crate) fn column_name(derive: Derive, attr: &Attr) -> &str {
    let default = derive.column().map_or("", |(_, default)| default);
    attr.column.as_ref().map_or(default, |name| &name.value)
}

/// The field's name without `r#`, as SeaORM's columns know it.
pub(crate) fn field_name(field: &Field) -> Option<String> {
    field.ident.as_ref().map(|ident| ident.unraw().to_string())
}
