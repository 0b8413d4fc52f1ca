//! The fields that an attribute names.

use syn::{Field, Type};

use crate::ast::{Anchor, Model, column_name, field_name};
use crate::attr::{Granted, Name, Privilege};
use crate::ctxt::Ctxt;
use crate::spelling::did_you_mean;
use crate::symbol::Word;

/// Types that no boolean column has. Of other types, only the registry can tell.
const NOT_BOOLEAN: [&str; 18] = [
    "Option", "String", "Vec", "Uuid", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128",
    "isize", "u8", "u16", "u32", "u64", "usize",
];

pub(super) fn check(ctxt: &Ctxt, model: &Model<'_>) {
    index(ctxt, model);
    granted(ctxt, model);
    unread(ctxt, model);

    if let Some(name) = &model.attr.read
        && let Some(field) = existing(ctxt, model, name)
        && is_not_boolean(&field.ty)
    {
        let message = format!(
            "`read` needs a `bool`, and `{}` is none: its rows are for everyone or not",
            name.value
        );
        ctxt.error_spanned_by(&field.ty, message);
    }

    if let Some(name) = &model.attr.soft_delete
        && let Some(field) = existing(ctxt, model, name)
        && last_segment(&field.ty).is_none_or(|last| last != "Option")
    {
        let message = format!(
            "`soft_delete` needs an `Option`: a row that is not deleted has NULL in `{}`",
            name.value
        );
        ctxt.error_spanned_by(&field.ty, message);
    }
}

fn index(ctxt: &Ctxt, model: &Model<'_>) {
    for (position, name) in model.attr.index.iter().enumerate() {
        let column = &name.value;
        if model.attr.index[..position]
            .iter()
            .any(|earlier| earlier.value == *column)
        {
            ctxt.error_at(name.span, format!("`{column}` is in the index twice"));
        } else if column == column_name(model.derive, model.attr) {
            ctxt.error_at(
                name.span,
                format!("the index leads with `{column}` already"),
            );
        } else {
            existing(ctxt, model, name);
        }
    }
}

/// Checks the columns of `grant(…)` and `admin(…)`: fields of the model, or the column that names the
/// user or tenant.
fn granted(ctxt: &Ctxt, model: &Model<'_>) {
    let grant: &[Granted] = model.attr.grant.as_deref().unwrap_or_default();
    let admin: &[Granted] = model.attr.admin.as_deref().unwrap_or_default();
    for name in grant.iter().chain(admin).flat_map(|one| &one.columns) {
        if key(model) != Some(name.value.as_str()) {
            existing(ctxt, model, name);
        }
    }

    let Some(key) = key(model) else { return };

    for granted in grant.iter().filter(|granted| !granted.columns.is_empty()) {
        let named = granted.columns.iter().find(|name| name.value == key);
        match (granted.privilege, named) {
            (Privilege::Update, Some(name)) => {
                let message = format!(
                    "a row keeps its `{key}`: leave it out; with `admin(update({key}))` an \
                     administrator may move a row"
                );
                ctxt.error_at(name.span, message);
            }
            (Privilege::Insert, None) if model.attr.says(Word::NoDefault) => {
                let message =
                    format!("`no_default` makes every insert name `{key}`: list it in `insert(…)`");
                ctxt.error_at(granted.columns[0].span, message);
            }
            _ => {}
        }
    }
}

/// The name of the column that names the user or tenant of a row, unless the row is one.
fn key<'a>(model: &Model<'a>) -> Option<&'a str> {
    match model.anchor() {
        Anchor::Field(_) | Anchor::Column(_) => {
            Some(column_name(model.derive, model.attr)).filter(|name| !name.is_empty())
        }
        Anchor::Identity(_) | Anchor::Through => None,
    }
}

/// Reports a field that would name the owner if `via` did not.
fn unread(ctxt: &Ctxt, model: &Model<'_>) {
    if let Some(span) = model.attr.span_of(Word::Via)
        && let Some((word, column)) = model.derive.column()
        && model.field(column).is_some()
    {
        let word = word.as_str();
        let message = format!(
            "`via` would leave the field `{column}`, the `{word}` by default, unread: drop one of \
             them"
        );
        ctxt.error_at(span, message);
    }
}

/// The field; reports an error at its name if there is none.
fn existing<'a>(ctxt: &Ctxt, model: &Model<'a>, name: &Name) -> Option<&'a Field> {
    let field = model.field(&name.value);
    if field.is_none() {
        let fields: Vec<String> = model
            .fields
            .iter()
            .filter_map(|field| field_name(field))
            .collect();

        let hint = did_you_mean(&name.value, fields.iter().map(String::as_str));

        ctxt.error_at(
            name.span,
            format!("`Model` has no field `{}`{hint}", name.value),
        );
    }

    field
}

fn is_not_boolean(ty: &Type) -> bool {
    match ty {
        Type::Path(_) => {
            last_segment(ty).is_some_and(|last| NOT_BOOLEAN.iter().any(|name| last == name))
        }
        Type::Array(_) | Type::Reference(_) | Type::Slice(_) | Type::Tuple(_) => true,
        _ => false,
    }
}

fn last_segment(ty: &Type) -> Option<&syn::Ident> {
    match ty {
        Type::Path(ty) => ty.path.segments.last().map(|last| &last.ident),
        Type::Group(group) => last_segment(&group.elem),
        _ => None,
    }
}
