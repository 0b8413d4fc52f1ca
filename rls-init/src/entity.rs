//! The entities of a source file, as `sea-orm-cli` writes them and people do.

mod attribute;
mod relation;

use std::path::{Path, PathBuf};

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Field, Item, ItemStruct, Meta};

use crate::change::Edit;
use attribute::Keys;
use relation::relations;

pub(crate) use relation::BelongsTo;

/// The derives of the library.
const OURS: [&str; 4] = ["UserScoped", "TenantScoped", "RlsPolicies", "Unscoped"];

/// Tables that migrations manage themselves.
const MANAGED: [&str; 2] = ["seaql_migrations", "rls_audit"];

#[derive(Debug)]
pub(crate) struct Entity {
    pub(crate) path: PathBuf,
    /// The number of its package.
    pub(crate) package: usize,
    pub(crate) module: String,
    pub(crate) table: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) relations: Vec<BelongsTo>,
    pub(crate) declared: Declared,
    /// Where a derive goes; `None` if its entity and columns are written by hand.
    place: Option<Place>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) of_type: String,
    pub(crate) is_key: bool,
}

/// What the entity says about its rows already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declared {
    Nothing,
    Identity,
    Owned,
    /// Without an owner: tenants, policies of its own, or a reason to have none.
    Otherwise,
}

#[derive(Debug)]
struct Place {
    derive: usize,
    comma: &'static str,
    attribute: usize,
    line: String,
}

impl Entity {
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The one column of its primary key.
    pub(crate) fn key(&self) -> Option<&Column> {
        let mut keys = self.columns.iter().filter(|column| column.is_key);
        keys.next().filter(|_| keys.next().is_none())
    }

    /// Whether a derive can be added.
    pub(crate) fn is_readable(&self) -> bool {
        self.place.is_some()
    }

    /// The edits of its file for `#[user_scoped(keys)]`.
    pub(crate) fn edits(&self, keys: &str) -> Vec<Edit> {
        let Some(place) = &self.place else {
            return Vec::new();
        };

        let derive = format!("{}sea_orm_rls::UserScoped", place.comma);
        let mut edits = vec![(place.derive..place.derive, derive)];
        if !keys.is_empty() {
            let attribute = format!("#[user_scoped({keys})]{}", place.line);
            edits.push((place.attribute..place.attribute, attribute));
        }

        edits
    }
}

impl Column {
    /// The type, if it may be NULL.
    pub(crate) fn inside_option(&self) -> Option<&str> {
        self.of_type.strip_prefix("Option<")?.strip_suffix('>')
    }
}

/// The entities of a file of the package with this number.
pub(crate) fn read(path: &Path, text: &str, package: usize) -> syn::Result<Vec<Entity>> {
    let file: syn::File = syn::parse_str(text)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();

    // `task/mod.rs` is the module `task`.
    let parent = || path.parent()?.file_name()?.to_str();
    let module = match stem.as_ref() {
        "mod" => parent().unwrap_or_default(),
        stem => stem,
    };

    let mut entities = Vec::new();
    let reading = Reading {
        path,
        text,
        package,
    };
    reading.items(&file.items, module, &mut entities);

    Ok(entities)
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    package: usize,
}

impl Reading<'_> {
    fn items(&self, items: &[Item], module: &str, entities: &mut Vec<Entity>) {
        for item in items {
            match item {
                Item::Struct(model) if model.ident == "Model" => {
                    entities.extend(self.entity(model, items, module));
                }
                Item::Mod(inner) => {
                    let items = inner.content.as_ref().map(|(_, items)| items.as_slice());
                    let name = inner.ident.unraw().to_string();
                    self.items(items.unwrap_or_default(), &name, entities);
                }
                _ => {}
            }
        }
    }

    fn entity(&self, model: &ItemStruct, items: &[Item], module: &str) -> Option<Entity> {
        let derives = |name: &str| derive_of(model, name);
        let whole = derives("DeriveEntityModel");
        if whole.is_none() && derives("DeriveModel").is_none() {
            return None;
        }

        let keys = Keys::of(&model.attrs, "sea_orm");
        let table = keys.text("table_name").unwrap_or(module);
        let columns: Vec<_> = model.fields.iter().filter_map(column).collect();

        Some(Entity {
            path: self.path.to_owned(),
            package: self.package,
            module: module.to_owned(),
            table: table.to_owned(),
            relations: relations(model, items, &columns),
            columns,
            declared: declared(model, table),
            place: whole.and_then(|derive| self.place(model, derive)),
        })
    }

    fn place(&self, model: &ItemStruct, derive: &Attribute) -> Option<Place> {
        let Meta::List(list) = &derive.meta else {
            return None;
        };
        let end_token = list.tokens.clone().into_iter().last()?;
        let is_comma = matches!(&end_token, TokenTree::Punct(mark) if mark.as_char() == ',');

        let attribute = match &model.vis {
            syn::Visibility::Inherited => model.struct_token.span(),
            visible => visible.span(),
        };
        let attribute = attribute.byte_range().start;
        let before = &self.text[..attribute];
        let indent = before.len() - before.trim_end_matches([' ', '\t']).len();
        let end = if before.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };

        Some(Place {
            derive: end_token.span().byte_range().end,
            comma: if is_comma { " " } else { ", " },
            attribute,
            line: format!("{end}{}", &before[attribute - indent..]),
        })
    }
}

/// The `#[derive(…)]` that has this one.
fn derive_of<'a>(model: &'a ItemStruct, name: &str) -> Option<&'a Attribute> {
    model.attrs.iter().find(|attribute| {
        attribute.path().is_ident("derive")
            && matches!(&attribute.meta, Meta::List(list) if list
                .tokens
                .clone()
                .into_iter()
                .any(|token| matches!(token, TokenTree::Ident(ident) if ident == name)))
    })
}

fn declared(model: &ItemStruct, table: &str) -> Declared {
    let keys = Keys::of(&model.attrs, "user_scoped");
    if MANAGED.contains(&table) {
        Declared::Otherwise
    } else if keys.has("identity") {
        Declared::Identity
    } else if derive_of(model, "UserScoped").is_some() {
        Declared::Owned
    } else if OURS.iter().any(|derive| derive_of(model, derive).is_some()) {
        Declared::Otherwise
    } else {
        Declared::Nothing
    }
}

/// A field that is a column; relations are fields too.
fn column(field: &Field) -> Option<Column> {
    let of_type = field.ty.to_token_stream().to_string().replace(' ', "");
    let keys = Keys::of(&field.attrs, "sea_orm");
    let is_relation = ["HasMany<", "HasOne<", "BelongsTo<"]
        .iter()
        .any(|relation| of_type.contains(relation));
    if is_relation || keys.has("ignore") {
        return None;
    }

    Some(Column {
        name: field.ident.as_ref()?.unraw().to_string(),
        of_type,
        is_key: keys.has("primary_key"),
    })
}
