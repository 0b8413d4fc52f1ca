//! `Debug` that would show values does not stand beside the derive's own.

use sea_orm_rls::RlsContext;

#[derive(Clone, Debug, RlsContext)]
struct Member {
    #[setting("app.user_id")]
    user: i64,
}

fn main() {
    println!("{:?}", Member { user: 1 }.clone());
}
