//! Runs the examples of the derives, whose own crate knows neither SeaORM nor this one.

#[doc = include_str!("../rls-derive/docs/user_scoped.md")]
#[doc = include_str!("../rls-derive/docs/user_scoped/rows.md")]
struct UserScoped;

#[doc = include_str!("../rls-derive/docs/tenant_scoped.md")]
struct TenantScoped;

#[doc = include_str!("../rls-derive/docs/rls_policies.md")]
struct RlsPolicies;

#[doc = include_str!("../rls-derive/docs/unscoped.md")]
struct Unscoped;
