//! The hub's binary, as cargo builds it beside the tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Built once for each test process: cargo has no way to say that a test needs another package's binary, and an old one
/// would be tested in its place.
#[allow(clippy::disallowed_methods, reason = "cargo says by the environment where it is")]
pub fn path() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let test = std::env::current_exe().expect("the test's own path");
        // <target>/<profile>/deps/<test>
        let profile = test.ancestors().nth(2).expect("the profile's folder");
        let target = profile.parent().expect("the target folder");
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--package", "local", "--bin", "local", "--target-dir"]).arg(target);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let status = build.status().expect("cargo runs");
        assert!(status.success(), "the hub does not build");
        profile.join("local")
    })
}
