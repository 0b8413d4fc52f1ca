//! Contexts of every shape: lifetimes, type parameters, constants, lists, raw names, types of one's own.

use std::borrow::Cow;

use sea_orm::prelude::{DateTimeUtc, Uuid};
use sea_orm_rls::RlsContext;
use sea_orm_rls::context::{SettingElement, SettingType, SettingValue};

mod rls {
    pub use sea_orm_rls::*;
}

/// Names that the expansion uses itself.
#[derive(Clone, RlsContext)]
struct Settings {
    #[setting("app.user_id")]
    settings: Uuid,
    #[setting("app.f")]
    f: bool,
}

struct TeamId(i64);

impl SettingValue for TeamId {
    const SQL_TYPE: SettingType = i64::SQL_TYPE;

    fn to_setting(&self) -> Cow<'_, str> {
        self.0.to_setting()
    }
}

impl SettingElement for TeamId {}

#[derive(RlsContext)]
#[rls_context(crate = rls)]
struct Member<'a, T, I: ?Sized, const N: usize>
where
    T: Clone,
{
    #[setting("app.user_id")]
    user: T,
    #[setting("app.name")]
    name: &'a I,
    #[setting("app.teams")]
    teams: Vec<TeamId>,
    #[setting("app.levels")]
    levels: [Option<u8>; N],
    #[setting("app.type")]
    r#type: Option<&'a [DateTimeUtc]>,
    #[setting(skip)]
    request: std::marker::PhantomData<fn() -> T>,
}

#[derive(rls_derive::RlsContext)]
#[rls_context(crate = "sea_orm_rls")]
struct Core {
    #[setting("app.user_id")]
    user: i32,
}

/// `Option`, `Result` and `Ok` of one's own are not the derive's.
mod shadowed {
    #[allow(dead_code)]
    enum Option {
        Ok,
    }
    #[allow(dead_code)]
    type Result = ();

    #[derive(sea_orm_rls::RlsContext)]
    pub(crate) struct Visitor {
        #[setting("app.visitor")]
        pub(crate) visitor: i64,
    }
}

pub(crate) fn main() {
    let settings = Settings {
        settings: Uuid::nil(),
        f: false,
    };
    assert_eq!(
        format!("{:?}", settings.clone()),
        "Settings { settings: <app.user_id>, f: <app.f>, .. }"
    );
    assert_eq!(
        format!("{:?}", settings.settings()),
        r#"Ok(["app.user_id", "app.f"])"#
    );
    let member = Member {
        user: 7_i64,
        name: "ann",
        teams: vec![TeamId(1)],
        levels: [Some(1), None],
        r#type: None,
        request: std::marker::PhantomData,
    };
    assert!(format!("{member:?}").contains("type: <app.type>, .. }"));
    assert!(!member.settings().unwrap().is_anonymous());
    assert!(!Core { user: 1 }.settings().unwrap().is_anonymous());
    assert!(
        !shadowed::Visitor { visitor: 1 }
            .settings()
            .unwrap()
            .is_anonymous()
    );
}
