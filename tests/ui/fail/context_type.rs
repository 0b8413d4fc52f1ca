//! A field whose type no setting can carry is told at the field's type.

use sea_orm_rls::RlsContext;

struct TeamId(i64);

#[derive(RlsContext)]
struct Member<'a> {
    #[setting("app.user_id")]
    user: TeamId,
    #[setting("app.total")]
    total: Option<u64>,
    #[setting("app.team_ids")]
    teams: &'a [TeamId],
    #[setting("app.grid")]
    grid: Vec<Vec<i32>>,
}

fn main() {
    drop(Member { user: TeamId(1), total: None, teams: &[], grid: Vec::new() });
}
