//! SeaORM's earlier format, in which an entity has a `Relation` of its own.

use syn::{Field, Item, ItemEnum, ItemStruct};

/// Whether an `enum Relation`, which `#[sea_orm::model]` makes, stands beside this struct. An
/// attribute sees its own item alone, so this looks for the struct in the source: if several modules
/// have one of these fields, each must have the enum.
pub(super) fn has_relation(source: &str, model: &ItemStruct) -> bool {
    if !source.contains("enum Relation") {
        return false;
    }
    let Ok(file) = syn::parse_file(source) else {
        return false;
    };

    let mut beside = Vec::new();
    look(&file.items, model, &mut beside);
    !beside.is_empty() && beside.iter().all(|has| *has)
}

/// Looks for the struct in these items and the modules among them, and for what stands beside it.
fn look(items: &[Item], model: &ItemStruct, beside: &mut Vec<bool>) {
    let is_model = |item: &Item| matches!(item, Item::Struct(other) if is_same(other, model));
    let is_relation = |item: &Item| matches!(item, Item::Enum(other) if is_relation(other));

    if items.iter().any(is_model) {
        beside.push(items.iter().any(is_relation));
    }

    for item in items {
        if let Item::Mod(module) = item
            && let Some((_, items)) = &module.content
        {
            look(items, model, beside);
        }
    }
}

fn is_same(one: &ItemStruct, other: &ItemStruct) -> bool {
    let name = |field: &Field| field.ident.clone();
    one.ident == other.ident
        && one
            .fields
            .iter()
            .map(name)
            .eq(other.fields.iter().map(name))
}

/// An enum that is there only on a condition may not be.
fn is_relation(item: &ItemEnum) -> bool {
    item.ident == "Relation" && !item.attrs.iter().any(|attr| attr.path().is_ident("cfg"))
}
