// A page's footer defines its links for a reader of the file. The definitions of `links.md` stand
// before the page, and Markdown takes the first definition of a label: so rustdoc links to its own
// pages. `tests/manual` compiles and runs the examples, so they are no doctests.
#![doc = include_str!("manual/links.md")]
#![cfg_attr(not(doctest), doc = include_str!("../docs/manual/README.md"))]
// Some pages are about what a feature adds.
#![cfg_attr(
    not(all(feature = "migration", feature = "axum", feature = "testing")),
    allow(rustdoc::broken_intra_doc_links)
)]

macro_rules! pages {
    ($($page:ident: $items:literal,)*) => {
        $(
            #[doc = include_str!("manual/links.md")]
            #[cfg_attr(
                not(doctest),
                doc = include_str!(concat!("../docs/manual/", stringify!($page), ".md"))
            )]
            #[doc = concat!("\n# See also\n\n", $items)]
            pub mod $page {}
        )*
    };
}

pages! {
    first_steps: "[`RlsConnection`], [`RlsConfig`], [`UserContext`], [`RlsMigrator`]",
    entities: "[`Registry::linked`], [`registry!`], [`UserScoped`], [`OwnerKey`]",
    contexts: "[`RlsConnection::scope`], [`anonymous`], [`admin`], [`admin_read_only`], \
        [`admin_as_user`], [`UserContext`], [`SettingValue`], [`RlsError`]",
    policies: "[`Policy::permissive`], [`Policy::restrictive`], [`PolicyDraft`], \
        [`policy::setting`]",
    patterns: "[`Policy::permissive`], [`Policy::restrictive`], [`policy::setting`], [`UserScoped`], \
        [`TenantScoped`]",
    migrations: "[`RlsMigrator`], [`RlsSchemaManagerExt`], [`MaintenanceExt`], \
        [`RlsSchema::plan`], [`RlsSchema::sync`], [`RlsSchema::prepare_online`], [`RlsConfig`]",
    adopting: "[`RlsSchema::sync`], [`RlsSchema::from_env`], [`UserContext::setting`]",
    services: "[`sea_orm_rls::axum`](crate::axum): [`RequestDatabase`], [`Scoped`], \
        [`Anonymous`], [`Admin`], [`AdminReadOnly`], [`AdminAsUser`], [`AdminProvider`], \
        [`Problem`]",
    background: "[`RlsConnection::scope`], [`admin_read_only`], [`admin_as_user`]",
    backups: "[`RlsMigrator`], [`Doctor`]",
    partitions: "[`RlsSchema::sync`], [`RlsSchema::prepare_online`], [`Doctor`]",
    administrators: "[`admin`], [`admin_read_only`], [`admin_as_user`], [`AdminContext`], \
        [`Subject`](crate::subject::Subject)",
    testing: "[`test`](macro@crate::test), [`IsolationProof`], [`RlsSchema::sync`], \
        [`RlsConnection::connect_with`]",
    checking: "[`RlsConnection::connect`], [`check_gate`], [`GateFinding`], [`Doctor`]",
    pooling: "[`RlsConnection::connect`], [`RlsConnection::with_standby`], \
        [`RlsConnection::scope_read_only`], [`RlsConfig::password_provider`]",
    clouds: "[`RlsConfig::password_provider`], [`RlsConfig::login_suffix`], \
        [`RlsConnection::with_standby`]",
    citus: "[`RlsConnection::connect`], [`RlsSchema::sync`], \
        [`OwnRows`](crate::context::OwnRows)",
    signed_contexts: "[`sea_orm_rls::signing`](crate::signing), [`RlsConfig`], [`RlsSchema::sync`]",
    works_with: "[`RlsConnection::connect`], [`Doctor`]",
    why: "[`Why`], [`Cause`], [`Refusal`], [`AdminContext`]",
    limits: "[`RlsConnection`], [`Doctor`]",
    troubleshooting: "[`check_gate`], [`RlsError`], [`GateFinding`], [`policy::setting`]",
    glossary: "[`RlsConnection::scope`], [`UserContext`], [`RlsSchema::sync`], [`Doctor`], \
        [`IsolationProof`]",
}
