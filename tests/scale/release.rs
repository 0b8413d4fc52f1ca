//! Programs of a release of Debian, unpacked beside the machine's own.

use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Clone, Copy)]
pub enum Release {
    Bookworm,
    Trixie,
}

/// Unpacks what is not there yet.
pub fn unpack() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scale/packages");
    let ran = Command::new(script).arg(packages()).status().unwrap();
    assert!(
        ran.success(),
        "the programs could not be unpacked: run this on Debian 12, with its mirror in reach"
    );
}

fn packages() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages")
}

impl Release {
    pub fn root(self) -> PathBuf {
        let name = match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        };
        packages().join(name).join("root")
    }

    /// A program, with the loader and the libraries of its release.
    pub fn program(self, path: &str) -> Command {
        let root = self.root();
        let libraries = root.join("usr/lib/x86_64-linux-gnu");
        let also = root.join("lib/x86_64-linux-gnu");
        let loader = [&libraries, &also]
            .into_iter()
            .map(|folder| folder.join("ld-linux-x86-64.so.2"))
            .find(|loader| loader.exists())
            .expect("libc6 is unpacked");

        let mut command = Command::new(loader);
        command.arg("--library-path");
        command.arg(format!("{}:{}", libraries.display(), also.display()));
        command.arg(root.join(path));
        command
    }
}
