#![doc = include_str!("../docs/crate.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod ast;
mod attr;
mod check;
mod context;
mod ctxt;
mod expand;
mod model;
mod setting;
mod symbol;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

use crate::expand::Root;

#[doc = include_str!("../docs/user_scoped.md")]
#[proc_macro_derive(UserScoped, attributes(user_scoped))]
pub fn user_scoped(input: TokenStream) -> TokenStream {
    expand::derive(Root::Facade, input.into()).into()
}

#[doc = include_str!("../docs/user_scoped.md")]
#[proc_macro_derive(UserScopedCore, attributes(user_scoped))]
pub fn user_scoped_core(input: TokenStream) -> TokenStream {
    expand::derive(Root::Core, input.into()).into()
}

#[doc = include_str!("../docs/model.md")]
#[proc_macro_attribute]
pub fn model(args: TokenStream, input: TokenStream) -> TokenStream {
    model::expand(Root::Facade, &args.into(), &input.into()).into()
}

#[doc = include_str!("../docs/model.md")]
#[proc_macro_attribute]
pub fn model_core(args: TokenStream, input: TokenStream) -> TokenStream {
    model::expand(Root::Core, &args.into(), &input.into()).into()
}

#[doc = include_str!("../docs/rls_context.md")]
#[proc_macro_derive(RlsContext, attributes(rls_context, setting))]
pub fn rls_context(input: TokenStream) -> TokenStream {
    context::derive(Root::Facade, input.into()).into()
}

#[doc = include_str!("../docs/rls_context.md")]
#[proc_macro_derive(RlsContextCore, attributes(rls_context, setting))]
pub fn rls_context_core(input: TokenStream) -> TokenStream {
    context::derive(Root::Core, input.into()).into()
}
