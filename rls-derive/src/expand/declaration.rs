//! The calls that make the `Declaration` of an entity.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use crate::ast::{Anchor, Model, field_name};
use crate::attr::{Attr, Granted, Privilege};
use crate::derive::Derive;
use crate::symbol::Word;

pub(super) fn expand(root: &Path, model: &Model<'_>) -> TokenStream {
    let calls = match model.derive {
        Derive::UserScoped | Derive::TenantScoped => scoped(root, model),
        Derive::RlsPolicies => policies_of(root, model.attr),
        Derive::Unscoped => unscoped(root, model.attr),
    };
    quote!(#root::__private::Declaration::#calls.declared_at(::core::file!(), ::core::line!()))
}

fn scoped(root: &Path, model: &Model<'_>) -> TokenStream {
    let anchor = anchor(model);
    let of_tenants = (model.derive == Derive::TenantScoped).then(|| quote!(.of_tenants()));
    let column = key_column(root, model.attr);
    let rows = rows(root, model.attr);

    quote!(#anchor #of_tenants #column #rows)
}

fn anchor(model: &Model<'_>) -> TokenStream {
    match model.anchor() {
        Anchor::Identity(_) => quote!(identity::<Self::Entity>()),
        Anchor::Field(field) => {
            let name = field_name(field);
            quote!(owned::<Self::Entity>(#name))
        }
        Anchor::Column(column) => quote!(owned_in_table::<Self::Entity>(#column)),
        Anchor::Through => {
            let relations = model.attr.via.iter().map(|name| &name.value);
            quote!(via::<Self::Entity>(&[#(#relations),*]))
        }
    }
}

/// The calls about the column that names the user or tenant.
fn key_column(root: &Path, attr: &Attr) -> TokenStream {
    let holder = attr
        .holder
        .as_ref()
        .map(|holder| quote!(.user::<#holder>()));

    let setting = attr
        .setting
        .as_ref()
        .map(|setting| quote!(.setting(#setting)));

    let on_delete = attr.on_delete.map(|on_delete| {
        let variant = Ident::new(on_delete.variant(), Span::call_site());
        quote!(.on_delete(#root::__private::OnDelete::#variant))
    });

    let index = (!attr.index.is_empty()).then(|| {
        let fields = attr.index.iter().map(|name| &name.value);
        quote!(.index::<Self::Entity>(&[#(#fields),*]))
    });

    let no_default = attr.says(Word::NoDefault).then(|| quote!(.no_default()));
    let no_foreign_key = attr
        .says(Word::NoForeignKey)
        .then(|| quote!(.no_foreign_key()));
    let backfill = attr
        .backfill
        .as_ref()
        .map(|expression| quote!(.backfill(#expression)));

    let table_only = attr.says(Word::TableOnly).then(|| quote!(.table_only()));

    quote!(#holder #setting #on_delete #index #no_default #no_foreign_key #backfill #table_only)
}

/// The calls about the rows.
fn rows(root: &Path, attr: &Attr) -> TokenStream {
    let bind = (!attr.bind.is_empty()).then(|| {
        let relations = attr.bind.iter().map(|name| &name.value);
        quote!(.bind::<Self::Entity>(&[#(#relations),*]))
    });

    let read = attr.read.as_ref().map(|name| {
        let field = &name.value;
        quote!(.read::<Self::Entity>(#field))
    });

    let soft_delete = attr.soft_delete.as_ref().map(|name| {
        let field = &name.value;
        quote!(.soft_delete::<Self::Entity>(#field))
    });

    let grants = grants(root, attr);
    let policies = attr
        .policies
        .iter()
        .map(|function| quote_spanned!(function.span()=> .policies(#function())));

    let distribute = distribute(attr);

    quote!(#bind #read #soft_delete #grants #distribute #(#policies)*)
}

fn policies_of(root: &Path, attr: &Attr) -> TokenStream {
    let mut functions = attr.policies.iter();
    let first = functions
        .next()
        .map(|function| quote_spanned!(function.span()=> #function()));
    let more = functions.map(|function| quote_spanned!(function.span()=> .policies(#function())));

    let grants = grants(root, attr);

    quote!(policies_of::<Self::Entity>(#first) #grants #(#more)*)
}

fn unscoped(root: &Path, attr: &Attr) -> TokenStream {
    let reason = &attr.reason;
    let granted = attr.grant.as_deref().unwrap_or_default();
    let privileges = privileges(root, granted);
    let columns = columns(root, granted, "columns");
    let admin = admin(root, attr);
    let distribute = distribute(attr);

    quote!(unscoped::<Self::Entity>(#reason, #privileges) #columns #admin #distribute)
}

fn distribute(attr: &Attr) -> Option<TokenStream> {
    attr.says(Word::Distribute).then(|| quote!(.distribute()))
}

/// The calls about the privileges of both roles.
fn grants(root: &Path, attr: &Attr) -> TokenStream {
    let grant = attr.grant.as_ref().map(|granted| {
        let privileges = privileges(root, granted);
        let columns = columns(root, granted, "columns");
        quote!(.grant(#privileges) #columns)
    });

    let admin = admin(root, attr);
    quote!(#grant #admin)
}

fn admin(root: &Path, attr: &Attr) -> Option<TokenStream> {
    let granted = attr.admin.as_ref()?;
    let privileges = privileges(root, granted);
    let columns = columns(root, granted, "admin_columns");
    Some(quote!(.admin(#privileges) #columns))
}

fn privileges(root: &Path, granted: &[Granted]) -> TokenStream {
    let variants = granted.iter().map(|granted| variant(granted.privilege));
    quote!(&[#(#root::__private::Privilege::#variants),*])
}

/// A call of the method for each privilege that is limited to columns.
fn columns(root: &Path, granted: &[Granted], method: &str) -> TokenStream {
    let method = Ident::new(method, Span::call_site());
    let limited = granted.iter().filter(|granted| !granted.columns.is_empty());
    let calls = limited.map(|granted| {
        let variant = variant(granted.privilege);
        let fields = granted.columns.iter().map(|name| &name.value);
        quote!(.#method::<Self::Entity>(#root::__private::Privilege::#variant, &[#(#fields),*]))
    });

    quote!(#(#calls)*)
}

fn variant(privilege: Privilege) -> Ident {
    Ident::new(privilege.variant(), Span::call_site())
}
