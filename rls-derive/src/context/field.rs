//! The fields of a context, and their checks.

use syn::{Data, DeriveInput, Fields, Ident, LitStr, Type};

use super::attr::{self, Said};
use crate::ctxt::Ctxt;
use crate::setting;

/// A field that is a setting.
pub(super) struct Setting<'a> {
    pub field: &'a Ident,
    pub ty: &'a Type,
    pub name: LitStr,
}

/// The settings of a struct, in the order of its fields.
pub(super) fn settings<'a>(ctxt: &Ctxt, input: &'a DeriveInput) -> Vec<Setting<'a>> {
    let Data::Struct(syn::DataStruct {
        fields: Fields::Named(fields),
        ..
    }) = &input.data
    else {
        ctxt.error_spanned_by(
            &input.ident,
            "`RlsContext` belongs on a struct with named fields, each a setting",
        );
        return Vec::new();
    };

    let mut settings: Vec<Setting<'a>> = Vec::new();
    let mut unnamed = false;

    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        match attr::said(ctxt, ident, &field.attrs) {
            Some(Said::Name(name)) => {
                check(ctxt, &settings, &name);
                settings.push(Setting {
                    field: ident,
                    ty: &field.ty,
                    name,
                });
            }
            Some(Said::Skip) => {}
            None => unnamed = true,
        }
    }

    if settings.is_empty() && !unnamed {
        let message = format!(
            "`{}` sets nothing, so it would reach no row: name a setting by \
             `#[setting(\"app.user_id\")]` on a field",
            input.ident
        );
        ctxt.error_spanned_by(&input.ident, message);
    }

    settings
}

fn check(ctxt: &Ctxt, earlier: &[Setting<'_>], name: &LitStr) {
    let value = name.value();
    if !setting::is_setting(&value) {
        ctxt.error_at(name.span(), setting::RULE);
    } else if let Some(earlier) = earlier
        .iter()
        .find(|earlier| earlier.name.value().eq_ignore_ascii_case(&value))
    {
        ctxt.error_at(
            name.span(),
            format!(
                "`{}` sets `{}` already",
                earlier.field,
                earlier.name.value()
            ),
        );
    }
}
