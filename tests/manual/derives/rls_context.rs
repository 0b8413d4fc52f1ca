use sea_orm_rls::{RlsConnection, RlsContext, ScopedConnection};
use uuid::Uuid;

struct RequestId;

// snippet
#[derive(RlsContext)]
struct Member<'a> {
    #[setting("app.user_id")]
    user: Uuid,
    #[setting("app.tenant_id")]
    tenant: Option<i32>,
    #[setting("app.team_ids")]
    teams: &'a [Uuid],
    #[setting(skip)]
    request: RequestId,
}
// end

fn scope(db: &RlsConnection, user: Uuid, teams: &[Uuid], request: RequestId) -> ScopedConnection {
    // snippet
    let member = Member {
        user,
        tenant: None,
        teams,
        request,
    };
    let mine = db.scope(member);
    // end
    mine
}

#[test]
fn debug_shows_settings_and_no_values() {
    let member = Member {
        user: Uuid::nil(),
        tenant: None,
        teams: &[],
        request: RequestId,
    };
    assert_eq!(
        format!("{member:?}"),
        "Member { user: <app.user_id>, tenant: <app.tenant_id>, teams: <app.team_ids>, .. }"
    );
}
