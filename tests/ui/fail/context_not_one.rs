//! What is no context cannot scope a connection.

use sea_orm_rls::RlsConnection;

fn scope(db: &RlsConnection) {
    let _scoped = db.scope(7_i64);
}

fn main() {}
