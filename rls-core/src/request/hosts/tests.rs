use super::*;

fn read(url: &str) -> Result<Option<Hosts>, ConfigError> {
    Hosts::read(url, &url.parse().unwrap())
}

#[test]
fn hosts_of_a_url_are_those_of_libpq() {
    for (url, expected) in [
        ("a,b", "a:5432 b:5432"),
        ("a,b:6000", "a:5432 b:6000"),
        ("a%3A7000,b:6000", "a:7000 b:6000"),
        ("a%3A7000,b%3A6000", "a:7000 b:6000"),
        ("%5B%3A%3A1%5D%3A7000,b", "::1:7000 b:5432"),
        ("%2Frun%2Fa,%2Frun%2Fb:6000", "/run/a:5432 /run/b:6000"),
    ] {
        let hosts = read(&format!("postgres://me@{url}/app")).unwrap().unwrap();
        let names: Vec<_> = (0..hosts.len()).map(|at| hosts.name(at)).collect();
        assert_eq!(names.join(" "), expected, "{url}");
    }

    let query = "postgres://me@x/app?host=/run/a,/run/b&port=6000";
    let hosts = read(query).unwrap().unwrap();
    assert_eq!(
        (hosts.name(0), hosts.name(1)),
        ("/run/a:6000".into(), "/run/b:6000".into())
    );

    assert_eq!(read("postgres://me@a:6000/app"), Ok(None));
    let one = read("postgres://me@a:6000/app?target_session_attrs=read-write");
    assert_eq!(one.unwrap().unwrap().name(0), "a:6000");
}

#[test]
fn wrong_lists_are_refused_with_what_to_write() {
    for (url, said) in [
        ("a,b/app?target_session_attrs=master", "prefer-standby"),
        ("a,/app", "comma"),
        ("%2Frun%2Fa,b/app", "sockets"),
        ("a%3Ax,b/app", "65536"),
    ] {
        let error = read(&format!("postgres://me@{url}")).unwrap_err();
        assert!(error.to_string().contains(said), "{url}: {error}");
    }

    let error = Hosts::check("postgres://me:secret@a:1,b:2/app").unwrap_err();
    let said = error.to_string();
    assert!(said.contains("`a%3A1,b%3A2`"), "{said}");
    assert!(!said.contains("secret"), "{said}");
    assert_eq!(Hosts::check("postgres://me:se,cret@a/app"), Ok(()));
}

#[test]
fn target_is_told_by_what_a_server_says() {
    let state = |standby, read_only| ServerState { standby, read_only };
    let states = [state(false, false), state(false, true), state(true, true)];
    for (word, fits) in [
        ("any", [true, true, true]),
        ("read-write", [true, false, false]),
        ("read-only", [false, true, true]),
        ("primary", [true, true, false]),
        ("standby", [false, false, true]),
        ("prefer-standby", [false, false, true]),
    ] {
        let target: TargetSession = word.parse().unwrap();
        assert_eq!(states.map(|state| target.fits(state)), fits, "{word}");
        assert_eq!(target.to_string(), word);
    }
}
