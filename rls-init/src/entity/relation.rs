use heck::{ToSnakeCase, ToUpperCamelCase};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Item, ItemStruct};

use super::Column;
use super::attribute::Keys;

/// A row refers to one of another table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BelongsTo {
    pub(crate) name: String,
    /// The module of the other entity; `None` if it is the same one.
    pub(crate) target: Option<String>,
    pub(crate) columns: Vec<String>,
}

/// The relations of a model: fields of it, or variants of `Relation` beside it.
pub(super) fn relations(model: &ItemStruct, items: &[Item], columns: &[Column]) -> Vec<BelongsTo> {
    let fields = model.fields.iter().filter_map(|field| {
        let keys = Keys::of(&field.attrs, "sea_orm");
        if !keys.has("belongs_to") {
            return None;
        }

        let target = target(&field.ty.to_token_stream().to_string());
        let name = keys
            .text("relation_enum")
            .map(ToSnakeCase::to_snake_case)
            .or_else(|| target.clone())
            .or_else(|| Some(field.ident.as_ref()?.unraw().to_string()))?;
        Some(BelongsTo {
            name,
            target,
            columns: from(&keys, columns),
        })
    });

    let variants = items
        .iter()
        .filter_map(|item| match item {
            Item::Enum(relation) if relation.ident == "Relation" => Some(&relation.variants),
            _ => None,
        })
        .flatten();
    let variants = variants.filter_map(|variant| {
        let keys = Keys::of(&variant.attrs, "sea_orm");

        Some(BelongsTo {
            name: variant.ident.to_string().to_snake_case(),
            target: target(keys.text("belongs_to")?),
            columns: from(&keys, columns),
        })
    });

    fields.chain(variants).collect()
}

/// The module before `Entity`, in a path or a type.
fn target(text: &str) -> Option<String> {
    let text = text.replace(' ', "");
    let (path, _) = text.rsplit_once("::Entity")?;
    let module = path
        .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
        .next()?;

    Some(module.to_owned()).filter(|module| !matches!(module.as_str(), "self" | "Self" | ""))
}

/// The columns that `from` names, by field or by variant.
fn from(keys: &Keys, columns: &[Column]) -> Vec<String> {
    let named = keys.text("from").unwrap_or_default();
    named
        .split(['(', ')', ','])
        .map(|name| name.rsplit("::").next().unwrap_or_default().trim())
        .filter(|name| !name.is_empty())
        .map(|name| {
            let is_it =
                |column: &&Column| column.name.to_upper_camel_case() == name.to_upper_camel_case();
            let found = columns.iter().find(is_it);
            found.map_or_else(|| name.to_owned(), |column| column.name.clone())
        })
        .collect()
}
