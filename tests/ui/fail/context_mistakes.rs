//! All mistakes at once, one error each, and none about the traits the derive would have implemented.

use sea_orm_rls::RlsContext;

#[derive(RlsContext)]
#[rls_context(crat = "rls")]
struct Member<'a> {
    user: i64,
    #[setting("tenant")]
    tenant: i32,
    #[setting("app.name")]
    name: &'a str,
    #[setting("app.Name")]
    nickname: &'a str,
    #[setting(skipp)]
    request: u64,
    #[setting(app.level)]
    level: i16,
    #[setting("app.a")]
    #[setting("app.b")]
    both: i16,
    #[setting(skip)]
    #[rls_context(crate = "rls")]
    skipped: i16,
}

#[derive(RlsContext)]
struct Anonymous {
    #[setting(skip)]
    request: u64,
}

#[derive(RlsContext)]
struct Tuple(#[setting("app.user_id")] i64);

fn context(context: impl RlsContext + std::fmt::Debug) {
    drop(context);
}

fn main() {
    context(Member { user: 1, tenant: 2, name: "", nickname: "", request: 3, level: 4, both: 5, skipped: 6 });
    context(Anonymous { request: 1 });
    context(Tuple(1));
}
