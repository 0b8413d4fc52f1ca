#![doc = include_str!("../docs/crate.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod ast;
mod attr;
mod check;
mod context;
mod ctxt;
mod derive;
mod expand;
mod model;
mod root;
mod setting;
mod spelling;
mod symbol;
mod test;
#[cfg(test)]
mod tests;

use std::fs;

use proc_macro::{Span, TokenStream};

use crate::derive::Derive;

// The examples need SeaORM and the facade, whose `tests/manual` compiles and runs them.

#[cfg_attr(not(doctest), doc = include_str!("../docs/user_scoped.md"))]
#[proc_macro_derive(UserScoped, attributes(user_scoped))]
pub fn user_scoped(input: TokenStream) -> TokenStream {
    expand::expand(Derive::UserScoped, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/tenant_scoped.md"))]
#[proc_macro_derive(TenantScoped, attributes(tenant_scoped))]
pub fn tenant_scoped(input: TokenStream) -> TokenStream {
    expand::expand(Derive::TenantScoped, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/rls_policies.md"))]
#[proc_macro_derive(RlsPolicies, attributes(rls_policies))]
pub fn rls_policies(input: TokenStream) -> TokenStream {
    expand::expand(Derive::RlsPolicies, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/unscoped.md"))]
#[proc_macro_derive(Unscoped, attributes(unscoped))]
pub fn unscoped(input: TokenStream) -> TokenStream {
    expand::expand(Derive::Unscoped, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/model.md"))]
#[proc_macro_attribute]
pub fn model(args: TokenStream, input: TokenStream) -> TokenStream {
    let source = Span::call_site()
        .local_file()
        .and_then(|file| fs::read_to_string(file).ok());

    model::expand(&args.into(), &input.into(), source.as_deref()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/test.md"))]
#[proc_macro_attribute]
pub fn test(args: TokenStream, input: TokenStream) -> TokenStream {
    test::expand(&args.into(), &input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/rls_context.md"))]
#[proc_macro_derive(RlsContext, attributes(rls_context, setting))]
pub fn rls_context(input: TokenStream) -> TokenStream {
    context::derive(input.into()).into()
}
