//! Privileges beyond what the migrations grant.

use super::fault::{End::*, Fault, Gate::*, each_is_caught};

pub const FAULTS: &[Fault] = &[
    Fault(
        "RLS301",
        "the login may truncate",
        "GRANT TRUNCATE ON task TO APP",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS301",
        "everyone may truncate",
        "GRANT TRUNCATE ON task TO PUBLIC",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS301",
        "the login may refer to hidden rows",
        "GRANT REFERENCES ON task TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS301",
        "everyone may watch what is written",
        "GRANT TRIGGER ON task TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS301",
        "the login may truncate as someone else",
        "CREATE ROLE HELPER; GRANT TRUNCATE ON task TO HELPER; GRANT HELPER TO APP",
        StaysOpen,
        RemedyThen("DROP ROLE HELPER"),
    ),
    Fault(
        "RLS301",
        "the login may watch what is written as someone else",
        "CREATE ROLE HELPER; GRANT TRIGGER, REFERENCES ON task TO HELPER; GRANT HELPER TO APP",
        StaysOpen,
        RemedyThen("DROP ROLE HELPER"),
    ),
    Fault(
        "RLS316",
        "the login may read as someone whom no guard holds",
        "CREATE ROLE HELPER; GRANT SELECT, DELETE ON task TO HELPER; GRANT HELPER TO APP",
        StaysOpen,
        RemedyThen("DROP ROLE HELPER"),
    ),
    Fault(
        "RLS302",
        "everyone may read",
        "GRANT SELECT ON task TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS302",
        "everyone may do all",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON task TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS303",
        "a column is granted",
        "GRANT SELECT (title) ON task TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS303",
        "everyone may refer to a column",
        "GRANT REFERENCES (id) ON task TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS303",
        "a column is granted to someone whom the login can become",
        "CREATE ROLE HELPER; GRANT SELECT (title) ON task TO HELPER; GRANT HELPER TO APP",
        StaysOpen,
        RemedyThen("DROP ROLE HELPER"),
    ),
    Fault(
        "RLS303",
        "a column is granted to everyone",
        "GRANT UPDATE (owner_id) ON task TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS304",
        "new tables are open to the login",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, TRUNCATE ON TABLES TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS304",
        "new tables are open to everyone",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS304",
        "new sequences can be read",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS304",
        "the login creates in new schemas",
        "ALTER DEFAULT PRIVILEGES GRANT CREATE ON SCHEMAS TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS311",
        "a sequence can be read",
        "GRANT SELECT ON SEQUENCE note_id_seq TO APP",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS311",
        "a sequence can be set",
        "GRANT UPDATE ON SEQUENCE note_id_seq TO PUBLIC",
        StaysOpen,
        Remedy,
    ),
];

#[tokio::test]
async fn faults_of_grants_are_caught() {
    each_is_caught(FAULTS).await;
}
