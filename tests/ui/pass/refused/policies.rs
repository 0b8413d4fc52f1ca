//! Policies PostgreSQL would refuse, and two of one name.

use sea_orm_rls::error::{DeclarationError, PolicyError};
use sea_orm_rls::policy::{Command, Policy, PolicyDraft};

use super::refused;

/// A table with policies of its own.
macro_rules! entity {
    ($module:ident, $table:tt, $($derive:ident $keys:meta),*) => {
        mod $module {
            use sea_orm::entity::prelude::*;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, $(sea_orm_rls::$derive),*)]
            #[sea_orm(table_name = $table)]
            $(#[$keys])*
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

entity!(insert, "insert", RlsPolicies rls_policies(policies = super::insert_using));
entity!(twice, "twice", RlsPolicies rls_policies(policies(super::open, super::open)));
entity!(
    both, "both",
    RlsPolicies rls_policies(policies = super::open),
    UserScoped user_scoped(no_foreign_key, policies = super::open_too)
);
entity!(taken, "note", UserScoped user_scoped(no_foreign_key, policies = super::of_the_owner));

fn insert_using() -> [PolicyDraft; 1] {
    [Policy::permissive("new").on([Command::Insert]).using(true)]
}

fn open() -> [PolicyDraft; 1] {
    [Policy::permissive("open").on([Command::Select]).using(true)]
}

fn open_too() -> [PolicyDraft; 1] {
    [Policy::permissive("open")
        .on([Command::Select])
        .using(false)]
}

fn of_the_owner() -> [PolicyDraft; 1] {
    [Policy::permissive("note_owner")
        .on([Command::Select, Command::Update])
        .using(true)]
}

pub(super) fn main() {
    let error = refused(
        sea_orm_rls::registry![insert::Entity as RlsPolicies],
        "table `insert`: policy `new`: `INSERT` has no `USING`, since it reads no row: say `with_check`",
    );
    assert!(matches!(
        error,
        DeclarationError::Policy {
            source: PolicyError::InsertUsing { .. },
            ..
        }
    ));

    let error = refused(
        sea_orm_rls::registry![twice::Entity as RlsPolicies],
        "table `twice`: two policies are named `open`: name one otherwise",
    );
    assert!(matches!(error, DeclarationError::PolicyTwice { .. }));
    let both = sea_orm_rls::registry![both::Entity, both::Entity as RlsPolicies];
    assert!(matches!(both, Err(DeclarationError::PolicyTwice { .. })));
    let taken = sea_orm_rls::registry![taken::Entity];
    assert!(
        matches!(taken, Err(DeclarationError::PolicyTwice { policy, .. }) if policy == "note_owner_select")
    );
}
