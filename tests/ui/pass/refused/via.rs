//! `via` that leads nowhere, in a circle, or where anyone can make a row.

use sea_orm_rls::error::DeclarationError;
use sea_orm_rls::{Unscoped as _, UserScoped as _};

use super::refused;

/// A table with a `team_id`, and a `parent_id` that refers to a column of another.
macro_rules! entity {
    ($module:ident, $table:tt, $derive:ident, $keys:meta, $parent:ident $key:tt) => {
        mod $module {
            use sea_orm::entity::prelude::*;
            use sea_orm_rls::$derive;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, $derive)]
            #[sea_orm(table_name = $table)]
            #[$keys]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                pub team_id: i32,
                pub parent_id: i32,
                #[sea_orm(belongs_to, from = "parent_id", to = $key)]
                pub parent: HasOne<super::$parent::Entity>,
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

entity!(left, "left", UserScoped, user_scoped(via = right), right "id");
entity!(right, "right", UserScoped, user_scoped(via = left), left "id");
entity!(into_circle, "into_circle", UserScoped, user_scoped(via = left), left "id");
entity!(itself, "itself", UserScoped, user_scoped(via = other), other "id");
entity!(other, "itself", UserScoped, user_scoped(via = other), other "id");

entity!(user, "user", UserScoped, user_scoped(identity), team "id");
entity!(team, "team", Unscoped, unscoped(reason = "names of teams are no secret", grant(select)), user "id");
entity!(of_team, "of_team", UserScoped, user_scoped(via = team), team "id");
entity!(unknown, "unknown", UserScoped, user_scoped(via = projct), team "id");

entity!(member, "member", UserScoped, user_scoped(user = super::user::Entity), team "id");
entity!(of_members, "of_members", UserScoped, user_scoped(via = member), member "team_id");
entity!(reader, "reader", UserScoped, user_scoped(grant(select, delete)), team "id");
entity!(of_readers, "of_readers", UserScoped, user_scoped(via = reader), reader "team_id");
entity!(editor, "editor", UserScoped, user_scoped(grant(select, update)), team "id");
entity!(of_editors, "of_editors", UserScoped, user_scoped(via = editor), editor "team_id");

pub(super) fn main() {
    circle();
    unowned();
    unknown();
    membership();
}

fn circle() {
    let error = refused(
        sea_orm_rls::registry![into_circle::Entity, left::Entity, right::Entity],
        "table `right`: `via` goes in a circle (into_circle -> left -> right -> left): one of them must name its owner \
         itself",
    );
    assert!(matches!(error, DeclarationError::ViaCircle { .. }));
    let error = sea_orm_rls::registry![other::Entity].unwrap_err();
    assert!(matches!(error, DeclarationError::ViaCircle { path, .. } if path.len() == 2));
}

fn unowned() {
    let message = "table `of_team`: `via = \"team\"` leads to `team`, whose rows belong to nobody that a registered \
                   entity names: derive `UserScoped` or `TenantScoped` there, and link or list that entity";
    for declarations in [
        vec![of_team::Entity::declaration()],
        vec![of_team::Entity::declaration(), team::Entity::declaration()],
    ] {
        let error = refused(sea_orm_rls::Registry::new(declarations), message);
        assert!(matches!(error, DeclarationError::ViaUnowned { .. }));
    }
}

fn unknown() {
    let error = refused(
        sea_orm_rls::registry![unknown::Entity],
        "table `unknown`: `via = \"projct\"` names no relation over one column; the entity has Team",
    );
    assert!(
        matches!(error, DeclarationError::Via { relation, known, .. } if relation == "projct" && known == ["Team"])
    );
}

fn membership() {
    let error = refused(
        sea_orm_rls::registry![user::Entity, member::Entity, of_members::Entity],
        "table `of_members`: `via = \"member\"` leads to `member.team_id`, which is not that table's key, and the \
         application may write there: anyone could make a row that leads here. Say `grant(select)` on `member`, so that \
         only administrators write it",
    );
    assert!(matches!(error, DeclarationError::Membership { column, .. } if column == "team_id"));
    let editors = sea_orm_rls::registry![user::Entity, editor::Entity, of_editors::Entity];
    assert!(matches!(editors, Err(DeclarationError::Membership { .. })));
    sea_orm_rls::registry![user::Entity, reader::Entity, of_readers::Entity].unwrap();
}
