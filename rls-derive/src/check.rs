//! What `#[user_scoped(…)]` may not say.

use crate::ast::{Model, field_name, owner_name};
use crate::attr::Attr;
use crate::ctxt::Ctxt;
use crate::setting::{MAX_NAME_BYTES, RULE, is_setting};
use crate::symbol::{Word, closest};

/// Reports keys that clash, and values that cannot be meant.
pub fn check(ctxt: &Ctxt, model: &Model<'_>) {
    clashes(ctxt, model.attr);
    owner(ctxt, model.attr);
    setting(ctxt, model.attr);
    user(ctxt, model.attr);
    index(ctxt, model);
    backfill(ctxt, model.attr);
}

fn clashes(ctxt: &Ctxt, attr: &Attr) {
    for (position, (word, span)) in attr.keys.iter().enumerate() {
        let clash = attr.keys[..position].iter().find_map(|(earlier, _)| Some((*earlier, clash(*earlier, *word)?)));
        if let Some((earlier, reason)) = clash {
            ctxt.error_at(*span, format!("`{}` clashes with `{}`: {reason}", word.as_str(), earlier.as_str()));
        }
    }
}

/// Why two keys cannot stand together.
fn clash(left: Word, right: Word) -> Option<&'static str> {
    match (left, right) {
        (Word::Identity, Word::Crate | Word::Setting) | (Word::Crate | Word::Setting, Word::Identity) => None,
        (Word::Identity, _) | (_, Word::Identity) => Some("the rows of an identity own themselves"),
        (Word::OnDelete, Word::NoForeignKey) | (Word::NoForeignKey, Word::OnDelete) => {
            Some("the action is the foreign key's")
        }
        _ => None,
    }
}

fn owner(ctxt: &Ctxt, attr: &Attr) {
    if let Some(name) = &attr.owner
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

fn user(ctxt: &Ctxt, attr: &Attr) {
    if let Some(user) = &attr.user
        && (user.path.is_ident("Entity") || user.path.is_ident("Self"))
    {
        let message = "an entity cannot be the user of its own rows; say `identity` where its rows are the users";
        ctxt.error_spanned_by(user, message);
    }
    if let Some(to) = &attr.to
        && !attr.keys.iter().any(|(word, _)| *word == Word::User)
    {
        ctxt.error_at(to.span, "`to` names the key of `user`, which is not given");
    }
}

fn index(ctxt: &Ctxt, model: &Model<'_>) {
    let fields: Vec<String> = model.fields.iter().filter_map(|field| field_name(field)).collect();
    for (position, name) in model.attr.index.iter().enumerate() {
        let column = &name.value;
        if model.attr.index[..position].iter().any(|earlier| earlier.value == *column) {
            ctxt.error_at(name.span, format!("`{column}` is in the index twice"));
        } else if column == owner_name(model.attr) {
            ctxt.error_at(name.span, format!("the index leads with `{column}` already"));
        } else if model.field(column).is_none() {
            let hint = closest(column, fields.iter().map(String::as_str))
                .map_or_else(String::new, |field| format!("; did you mean `{field}`?"));
            ctxt.error_at(name.span, format!("`Model` has no field `{column}`{hint}"));
        }
    }
}

fn backfill(ctxt: &Ctxt, attr: &Attr) {
    if let Some(expression) = &attr.backfill
        && expression.value().trim().is_empty()
    {
        ctxt.error_at(expression.span(), "expected an SQL expression that gives existing rows their owner");
    }
}
