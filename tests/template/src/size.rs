//! Files stay small enough to be read.

use std::path::{Path, PathBuf};

use crate::document::root;

const LINES_MAX: usize = 800;

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_module_is_longer_than_800_lines() {
    let mut files = Vec::new();
    for folder in ["functions", "shared", "infra", "tests"] {
        rust_files(&root().join(folder), &mut files);
    }
    assert!(files.len() > 50, "looked in the wrong place");
    let long: Vec<String> = files
        .into_iter()
        .filter_map(|file| {
            let lines = std::fs::read_to_string(&file).unwrap().lines().count();
            (lines > LINES_MAX).then(|| format!("{} ({lines})", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "longer than {LINES_MAX} lines: {}", long.join(", "));
}
