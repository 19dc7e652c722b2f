//! The rules of the code base, checked by tests. docs/ARCHITECTURE.md gives the reason for each.

mod cycles;
mod modules;
mod sizes;
mod sql;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// The path relative to the repository, with its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    /// The text before the unit tests; nothing of a file of tests. The declaration of a module of tests ends nothing.
    pub fn product(&self) -> &str {
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return "";
        }
        let inline = self.text.match_indices("#[cfg(test)]").find(|(at, _)| {
            let item = self.text[*at..].lines().nth(1).unwrap_or_default();
            !item.trim_end().ends_with(';')
        });
        inline.map_or(&self.text, |(at, _)| &self.text[..at])
    }
}

/// All files below a folder that have this extension, sorted by path.
pub fn sources(folder: &str, extension: &str) -> Vec<Source> {
    let has_extension = |path: &PathBuf| path.extension().is_some_and(|it| it == extension);
    let read = |path: PathBuf| Source {
        text: fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(root("")).unwrap().display().to_string(),
    };
    let mut all: Vec<Source> = walk(folder).into_iter().filter(has_extension).map(read).collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

pub fn walk(folder: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

pub fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
