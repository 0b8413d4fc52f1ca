//! Entities and contexts the macros accept, in every form; each case is a module with a `main` that asserts.
#![allow(dead_code, reason = "SeaORM generates more than each case uses")]

mod compact;
mod context;
mod crate_path;
mod dense;
mod expanded;
mod key_types;
mod lints;
mod membership;
mod model;
mod model_fields;
mod names;
mod no_field;
mod plain;
mod policies;
mod refused;
mod rows;
mod tenants;
mod unscoped;
mod via;

macro_rules! accepted {
    ($($case:ident),* $(,)?) => {$(
        #[test]
        fn $case() {
            $case::main();
        }
    )*};
}

accepted!(
    compact,
    context,
    crate_path,
    dense,
    expanded,
    key_types,
    lints,
    membership,
    model,
    model_fields,
    names,
    no_field,
    plain,
    policies,
    refused,
    rows,
    tenants,
    unscoped,
    via,
);
