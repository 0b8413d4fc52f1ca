//! Columns that would be made beside the field that names the user already.

use proc_macro2::Span;

use crate::ast::column_name;
use crate::attr::Attr;
use crate::derive::Derive;
use crate::spelling::closest;
use crate::symbol::Word;

/// Fields that most likely name the user or tenant.
fn usual(derive: Derive) -> &'static [&'static str] {
    match derive {
        Derive::UserScoped => &["user_id", "author_id", "account_id"],
        Derive::TenantScoped => &["organisation_id", "organization_id", "org_id"],
        Derive::RlsPolicies | Derive::Unscoped => &[],
    }
}

/// The error for a column that no field of the model is for, if another field is most likely meant:
/// its place and the message, up to what to say if it is not.
pub(crate) fn elsewhere(derive: Derive, attr: &Attr, fields: &[String]) -> Option<(Span, String)> {
    let (word, _) = derive.column()?;
    let column = column_name(derive, attr);
    let is_made = !attr.says(Word::Identity)
        && !attr.says(Word::Via)
        && !attr.says(Word::TableOnly)
        && !fields.iter().any(|field| field == column);
    if !is_made {
        return None;
    }

    if let Some(name) = &attr.column {
        let meant = closest(column, fields.iter().map(String::as_str))?;
        let message = format!("`Model` has no field `{column}`; did you mean `{meant}`?");
        return Some((name.span, message));
    }

    // The entity of the users is `Entity` in a module of its name.
    let module = attr
        .holder
        .iter()
        .filter_map(|holder| holder.path.segments.iter().rev().nth(1))
        .map(|module| format!("{}_id", module.ident))
        .find(|name| fields.contains(name));
    let usual = usual(derive)
        .iter()
        .map(|name| (*name).to_owned())
        .find(|name| fields.contains(name));

    module.or(usual).map(|found| {
        let message = format!(
            "`Model` has no field `{column}`; did you mean `{} = \"{found}\"`?",
            word.as_str()
        );
        (Span::call_site(), message)
    })
}
