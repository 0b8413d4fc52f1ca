//! Checks of a derive's attribute.

mod clash;
mod field;
mod owner;

use proc_macro2::Span;
use syn::LitStr;

pub(crate) use owner::elsewhere;

use crate::ast::{Model, field_name};
use crate::attr::{Attr, Name};
use crate::ctxt::Ctxt;
use crate::setting::{MAX_NAME_BYTES, RULE, is_setting};
use crate::symbol::Word;

/// Reports keys that clash or are missing, and wrong values.
pub(crate) fn check(ctxt: &Ctxt, model: &Model<'_>) {
    let attr = model.attr;
    clash::check(ctxt, attr);
    required(ctxt, model);
    column(ctxt, attr);
    setting(ctxt, attr);
    holder(ctxt, attr);
    relations(ctxt, attr);
    column_beside(ctxt, model);
    field::check(ctxt, model);

    let backfill = "expected an SQL expression that gives existing rows their owner";
    not_blank(ctxt, attr.backfill.as_ref(), backfill);

    not_blank(
        ctxt,
        attr.reason.as_ref(),
        "say why the table needs no row security",
    );
}

fn required(ctxt: &Ctxt, model: &Model<'_>) {
    if let Some(word) = model.derive.required()
        && !model.attr.says(word)
    {
        let (derive, attribute) = (model.derive.name(), model.derive.attribute());
        let message = format!(
            "`{derive}` needs `#[{attribute}({})]`",
            model.derive.usage(word)
        );
        ctxt.error_at(Span::call_site(), message);
    }
}

fn column(ctxt: &Ctxt, attr: &Attr) {
    if let Some(name) = &attr.column
        && !is_column(&name.value)
    {
        ctxt.error_at(name.span, "a column's name has 1 to 63 bytes and no NUL");
    }
}

fn is_column(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.contains('\0')
}

fn setting(ctxt: &Ctxt, attr: &Attr) {
    if let Some(setting) = &attr.setting
        && !is_setting(&setting.value())
    {
        ctxt.error_at(setting.span(), RULE);
    }
}

fn holder(ctxt: &Ctxt, attr: &Attr) {
    if let Some(holder) = &attr.holder
        && (holder.path.is_ident("Entity") || holder.path.is_ident("Self"))
    {
        let word = if attr.says(Word::Tenant) {
            Word::Tenant
        } else {
            Word::User
        }
        .as_str();

        let message = format!(
            "an entity cannot be the {word} of its own rows; say `identity` if its rows are the \
             {word}s"
        );

        ctxt.error_spanned_by(holder, message);
    }

    if let Some(to) = &attr.to
        && !attr.says(Word::User)
    {
        ctxt.error_at(to.span, "`to` names the key of `user`, which is not given");
    }
}

fn relations(ctxt: &Ctxt, attr: &Attr) {
    // `Project` and `project` are the same relation.
    let folded = |name: &Name| name.value.replace('_', "").to_lowercase();
    let has = |names: &[Name], name| names.iter().any(|it| folded(it) == folded(name));

    for names in [&attr.via, &attr.bind] {
        for (position, name) in names.iter().enumerate() {
            if has(&names[..position], name) {
                ctxt.error_at(name.span, format!("`{}` is named twice", name.value));
            }
        }
    }

    for name in attr.bind.iter().filter(|name| has(&attr.via, name)) {
        let message = format!("`via` binds `{}` already", name.value);
        ctxt.error_at(name.span, message);
    }
}

fn column_beside(ctxt: &Ctxt, model: &Model<'_>) {
    let fields: Vec<String> = model
        .fields
        .iter()
        .filter_map(|field| field_name(field))
        .collect();

    // The name of the field may be in the key that could not be read.
    if ctxt.is_clean()
        && let Some((span, message)) = elsewhere(model.derive, model.attr, &fields)
    {
        let otherwise = "for a column that the table alone has, say `table_only`";
        ctxt.error_at(span, format!("{message} {otherwise}"));
    }
}

fn not_blank(ctxt: &Ctxt, text: Option<&LitStr>, message: &str) {
    if let Some(text) = text
        && text.value().trim().is_empty()
    {
        ctxt.error_at(text.span(), message);
    }
}
