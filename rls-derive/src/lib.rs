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
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

use crate::derive::Derive;
use crate::root::Root;

// The examples in the documentation of these need SeaORM and the facade, whose tests run them.

#[cfg_attr(not(doctest), doc = include_str!("../docs/user_scoped.md"))]
#[doc = include_str!("../docs/user_scoped/keys.md")]
#[cfg_attr(not(doctest), doc = include_str!("../docs/user_scoped/rows.md"))]
#[proc_macro_derive(UserScoped, attributes(user_scoped))]
pub fn user_scoped(input: TokenStream) -> TokenStream {
    expand::expand(Derive::UserScoped, Root::Facade, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/user_scoped.md"))]
#[doc = include_str!("../docs/user_scoped/keys.md")]
#[cfg_attr(not(doctest), doc = include_str!("../docs/user_scoped/rows.md"))]
#[proc_macro_derive(UserScopedCore, attributes(user_scoped))]
pub fn user_scoped_core(input: TokenStream) -> TokenStream {
    expand::expand(Derive::UserScoped, Root::Core, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/tenant_scoped.md"))]
#[doc = include_str!("../docs/tenant_scoped/keys.md")]
#[cfg_attr(not(doctest), doc = include_str!("../docs/tenant_scoped/rows.md"))]
#[proc_macro_derive(TenantScoped, attributes(tenant_scoped))]
pub fn tenant_scoped(input: TokenStream) -> TokenStream {
    expand::expand(Derive::TenantScoped, Root::Facade, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/tenant_scoped.md"))]
#[doc = include_str!("../docs/tenant_scoped/keys.md")]
#[cfg_attr(not(doctest), doc = include_str!("../docs/tenant_scoped/rows.md"))]
#[proc_macro_derive(TenantScopedCore, attributes(tenant_scoped))]
pub fn tenant_scoped_core(input: TokenStream) -> TokenStream {
    expand::expand(Derive::TenantScoped, Root::Core, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/rls_policies.md"))]
#[proc_macro_derive(RlsPolicies, attributes(rls_policies))]
pub fn rls_policies(input: TokenStream) -> TokenStream {
    expand::expand(Derive::RlsPolicies, Root::Facade, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/rls_policies.md"))]
#[proc_macro_derive(RlsPoliciesCore, attributes(rls_policies))]
pub fn rls_policies_core(input: TokenStream) -> TokenStream {
    expand::expand(Derive::RlsPolicies, Root::Core, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/unscoped.md"))]
#[proc_macro_derive(Unscoped, attributes(unscoped))]
pub fn unscoped(input: TokenStream) -> TokenStream {
    expand::expand(Derive::Unscoped, Root::Facade, input.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/unscoped.md"))]
#[proc_macro_derive(UnscopedCore, attributes(unscoped))]
pub fn unscoped_core(input: TokenStream) -> TokenStream {
    expand::expand(Derive::Unscoped, Root::Core, input.into()).into()
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
