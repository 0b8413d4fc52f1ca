//! `#[derive(UserScoped)]`: the implementation, the registration and the assertions.

mod fallback;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Path, parse_quote};

use crate::ast::{Model, Owner, field_name};
use crate::attr::Attr;
use crate::check;
use crate::ctxt::Ctxt;

/// Which crate the macro was imported from; its expansion begins its paths there.
#[derive(Clone, Copy)]
pub enum Root {
    Core,
    Facade,
}

impl Root {
    /// The crate's path, or what `crate = …` says instead.
    pub fn path(self, given: Option<&Path>) -> Path {
        match (given, self) {
            (Some(path), _) => path.clone(),
            (None, Self::Core) => parse_quote!(::rls_core),
            (None, Self::Facade) => parse_quote!(::sea_orm_rls),
        }
    }
}

/// Expands the derive; errors come with an implementation that keeps the compiler from reporting more.
pub fn derive(root: Root, input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    // `#[sea_orm::model]` copies the derive from `Model` to the `ModelEx` beside it.
    if input.ident == "ModelEx" {
        return TokenStream::new();
    }
    let ctxt = Ctxt::new();
    let attr = Attr::parse(&ctxt, &input.attrs);
    let root = root.path(attr.root.as_ref());
    let model = Model::parse(&ctxt, &input, &attr);
    if let Some(model) = &model {
        check::check(&ctxt, model);
    }
    match (ctxt.check(), model) {
        (Ok(()), Some(model)) => expand(&root, &model),
        (Ok(()), None) => TokenStream::new(),
        (Err(error), model) => {
            let fallback = model.map(|model| fallback::expand(&root, &model));
            let error = error.into_compile_error();
            quote!(#error #fallback)
        }
    }
}

fn expand(root: &Path, model: &Model<'_>) -> TokenStream {
    let ident = model.ident;
    let declaration = declaration(root, model);
    let assertion = assertion(root, model);
    quote! {
        #[automatically_derived]
        impl #root::UserScoped for <#ident as #root::__private::ModelTrait>::Entity {
            fn declaration() -> #root::Declaration {
                #declaration
            }
        }

        const _: () = {
            #root::__private::inventory::submit! {
                #root::Registered {
                    declaration: <<#ident as #root::__private::ModelTrait>::Entity as #root::UserScoped>::declaration,
                }
            }
        };

        #assertion
    }
}

fn declaration(root: &Path, model: &Model<'_>) -> TokenStream {
    let attr = model.attr;
    let new = match &model.owner {
        Owner::Identity(_) => quote!(identity::<Self>()),
        Owner::Field(field) => {
            let name = field_name(field);
            quote!(owned::<Self>(#name))
        }
        Owner::Column(column) => quote!(owned_in_table::<Self>(#column)),
    };
    let user = attr.user.as_ref().map(|user| quote!(.user::<#user>()));
    let setting = attr.setting.as_ref().map(|setting| quote!(.setting(#setting)));
    let on_delete = attr.on_delete.map(|on_delete| {
        let variant = Ident::new(on_delete.variant(), Span::call_site());
        quote!(.on_delete(#root::OnDelete::#variant))
    });
    let index = (!attr.index.is_empty()).then(|| {
        let fields = attr.index.iter().map(|name| &name.value);
        quote!(.index::<Self>(&[#(#fields),*]))
    });
    let no_default = attr.no_default.then(|| quote!(.no_default()));
    let no_foreign_key = attr.no_foreign_key.then(|| quote!(.no_foreign_key()));
    let backfill = attr.backfill.as_ref().map(|expression| quote!(.backfill(#expression)));
    quote!(#root::Declaration::#new #user #setting #on_delete #index #no_default #no_foreign_key #backfill)
}

/// That the owner has a type an owner can have: with `user` the identity's key's, whose own derive asserts the rest.
fn assertion(root: &Path, model: &Model<'_>) -> TokenStream {
    let ident = model.ident;
    let private = quote!(#root::__private);
    let call = match (&model.owner, &model.attr.user) {
        (Owner::Identity(span), _) => {
            quote_spanned!(*span=> assert_identity::<<#ident as #private::ModelTrait>::Entity>())
        }
        (Owner::Field(field), Some(user)) => {
            let ty = &field.ty;
            quote_spanned!(ty.span()=> assert_owner_of::<#user, #ty>())
        }
        (Owner::Field(field), None) => {
            let ty = &field.ty;
            quote_spanned!(ty.span()=> assert_owner_key::<#ty>())
        }
        (Owner::Column(_), Some(user)) => quote_spanned!(user.span()=> assert_identity::<#user>()),
        (Owner::Column(_), None) => return TokenStream::new(),
    };
    quote!(const _: () = #private::#call;)
}
