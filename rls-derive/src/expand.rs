//! The derives of entities: the implementation, the registration and the assertions.

mod assertion;
mod declaration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{DeriveInput, Path};

use crate::ast::{Anchor, Model};
use crate::attr::Attr;
use crate::check;
use crate::ctxt::Ctxt;
use crate::derive::Derive;
use crate::root::root;

/// Expands a derive. With an error, it implements the trait too, so that the compiler reports
/// nothing more.
pub(crate) fn expand(derive: Derive, input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };

    // `#[sea_orm::model]` copies the derive from `Model` to the `ModelEx` beside it.
    if input.ident == "ModelEx" {
        return TokenStream::new();
    }

    let ctxt = Ctxt::new();
    let attr = Attr::parse(&ctxt, derive, &input.attrs);
    let root = root(attr.root.as_ref());
    let model = Model::parse(&ctxt, derive, &input, &attr);

    if let Some(model) = &model {
        check::check(&ctxt, model);
    }

    match (ctxt.check(), model) {
        (Ok(()), Some(model)) => complete(&root, &model),
        (Ok(()), None) => TokenStream::new(),
        (Err(error), model) => {
            let error = error.into_compile_error();
            let fallback =
                model.map(|model| implementation(&root, &model, &quote!(::core::unreachable!())));
            quote!(#error #fallback)
        }
    }
}

fn complete(root: &Path, model: &Model<'_>) -> TokenStream {
    let implementation = implementation(root, model, &declaration::expand(root, model));
    let (ident, kind) = (model.ident, kind(model));
    let assertion = assertion::expand(root, model);

    quote! {
        #implementation

        const _: () = {
            #root::__private::inventory::submit! {
                #root::__private::Registered {
                    declaration: <#ident as #root::__private::Derived<#root::__private::#kind>>::declaration,
                }
            }
        };

        #assertion
    }
}

/// The implementation for the model, which its entity gets its trait by (`rls_core::entity::derived`).
fn implementation(root: &Path, model: &Model<'_>, declaration: &TokenStream) -> TokenStream {
    let (ident, kind) = (model.ident, kind(model));
    let column = has_column(model).then(|| {
        quote! {
            #[automatically_derived]
            impl #root::__private::DerivedColumn<#root::__private::#kind> for #ident {}
        }
    });

    quote! {
        #[automatically_derived]
        impl #root::__private::Derived<#root::__private::#kind> for #ident {
            fn declaration() -> #root::__private::Declaration {
                #declaration
            }
        }

        #column
    }
}

fn kind(model: &Model<'_>) -> Ident {
    Ident::new(model.derive.kind(), Span::call_site())
}

/// Whether the table has a column that names the user or tenant.
fn has_column(model: &Model<'_>) -> bool {
    matches!(model.derive, Derive::UserScoped | Derive::TenantScoped)
        && !matches!(model.anchor(), Anchor::Through)
}
