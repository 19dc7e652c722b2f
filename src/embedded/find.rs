//! Finds the PostgreSQL binaries: in the configured directory, installed, or downloaded.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use super::cluster::Cluster;
use super::error::{Error, Result};
use super::options::Options;

/// The oldest supported major version.
const MIN_MAJOR: u32 = 14;

/// Versioned directories of packages: the parent, the prefix of the version, and the subdirectory of the programs.
const PLACES: [(&str, &str, &str); 7] = [
    ("/usr/lib/postgresql", "", "bin"),          // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),                   // Red Hat, from postgresql.org
    ("/usr/libexec", "postgresql", ""),          // Alpine
    ("/opt/homebrew/opt", "postgresql@", "bin"), // Homebrew on Apple silicon
    ("/usr/local/opt", "postgresql@", "bin"),    // Homebrew on Intel
    ("/Library/PostgreSQL", "", "bin"),          // the EDB installer
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A directory with working `postgres` and `initdb`.
pub struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// The path of one program.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Runs `postgres --version` as the user of the server, which also detects directories that the user cannot
    /// access.
    ///
    /// # Errors
    /// The problem, in words.
    fn probe(dir: &Path, cluster: &Cluster) -> Result<Self, String> {
        for name in ["postgres", "initdb"] {
            if !dir.join(name).is_file() {
                return Err(format!("it contains no `{name}`"));
            }
        }
        let output = cluster.command(&dir.join("postgres")).arg("--version").output();
        let output = output.map_err(|e| format!("its `postgres` does not run: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let major = major_version(&text).ok_or("its `postgres --version` prints no version")?;
        Ok(Self { dir: dir.to_owned(), major })
    }
}

/// Chooses the binaries: of the major version of the data if there is data, otherwise the first supported ones.
pub fn binaries(options: &Options, cluster: &Cluster) -> Result<Binaries> {
    let data_version = cluster.major_version()?;
    if let Some(dir) = &options.bin_dir {
        return configured(dir, data_version, cluster);
    }
    let mut found: Vec<u32> = Vec::new();
    for dir in candidates(cluster.state()) {
        let Ok(binaries) = Binaries::probe(&dir, cluster) else {
            continue;
        };
        if data_version.map_or(binaries.major >= MIN_MAJOR, |major| major == binaries.major) {
            return Ok(binaries);
        }
        found.push(binaries.major);
    }
    match (downloaded(options, cluster, data_version), data_version) {
        (Ok(binaries), _) => Ok(binaries),
        (Err(_), Some(version)) if !found.is_empty() => Err(wrong_version(cluster, version, &found)),
        (Err(download), _) => Err(Error::NoBinaries { version: required(cluster, data_version), download }),
    }
}

fn required(cluster: &Cluster, data_version: Option<u32>) -> String {
    match data_version {
        Some(major) => format!("{major} (the version of {})", cluster.data().display()),
        None => format!("({MIN_MAJOR} or newer)"),
    }
}

fn configured(dir: &Path, data_version: Option<u32>, cluster: &Cluster) -> Result<Binaries> {
    let problem = |problem| Error::BinDir { dir: dir.to_owned(), problem };
    let dir = std::path::absolute(dir).map_err(|e| problem(e.to_string()))?;
    let binaries = Binaries::probe(&dir, cluster).map_err(problem)?;
    match data_version {
        Some(version) if version != binaries.major => Err(wrong_version(cluster, version, &[binaries.major])),
        None if binaries.major < MIN_MAJOR => {
            Err(problem(format!("PostgreSQL {} is too old: {MIN_MAJOR} or newer is required", binaries.major)))
        }
        _ => Ok(binaries),
    }
}

fn wrong_version(cluster: &Cluster, version: u32, found: &[u32]) -> Error {
    let mut found = found.to_vec();
    found.sort_unstable();
    found.dedup();
    let found = found.iter().map(|major| format!("PostgreSQL {major}")).collect::<Vec<_>>().join(", ");
    Error::MajorVersion { data: cluster.data().to_owned(), version, found }
}

/// Downloads PostgreSQL, if allowed and built in.
///
/// # Errors
/// The reason, as the end of the sentence "none was found, and …".
fn downloaded(options: &Options, cluster: &Cluster, major: Option<u32>) -> Result<Binaries, String> {
    if !options.download {
        return Err("downloads are disabled".to_owned());
    }
    let dir = fetch(&downloads(cluster.state()), major).map_err(|e| format!("the download failed ({e})"))?;
    Binaries::probe(&dir, cluster).map_err(|e| format!("the download in {} is unusable: {e}", dir.display()))
}

#[cfg(feature = "embedded-download")]
fn fetch(into: &Path, major: Option<u32>) -> Result<PathBuf, String> {
    super::download::fetch(into, major)
}

#[cfg(not(feature = "embedded-download"))]
fn fetch(_: &Path, _: Option<u32>) -> Result<PathBuf, String> {
    Err("this build does not include it".to_owned())
}

fn downloads(state: &Path) -> PathBuf {
    state.join("binaries")
}

/// The directories to search, best first. Relative entries of PATH are ignored: they depend on the current directory.
fn candidates(state: &Path) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
    for (parent, before, tail) in PLACES {
        dirs.extend(versioned(Path::new(parent), before, tail));
    }
    dirs.extend(versioned(&downloads(state), "", "bin"));
    dirs
}

/// The versioned subdirectories, highest version first.
fn versioned(parent: &Path, before: &str, tail: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.file_name());
    sorted(names.filter_map(|name| name.into_string().ok()).collect(), before)
        .iter()
        .map(|name| if tail.is_empty() { parent.join(name) } else { parent.join(name).join(tail) })
        .collect()
}

fn sorted(names: Vec<String>, before: &str) -> Vec<String> {
    let major = |name: &str| leading_number(name.strip_prefix(before)?);
    let mut found: Vec<(u32, String)> = names.into_iter().filter_map(|n| Some((major(&n)?, n))).collect();
    found.sort_by_key(|(major, _)| Reverse(*major));
    found.into_iter().map(|(_, name)| name).collect()
}

/// The major version in "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
fn major_version(text: &str) -> Option<u32> {
    leading_number(text.split_once("(PostgreSQL) ")?.1)
}

fn leading_number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_versions_are_parsed() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18.4\n"), Some(18));
        assert_eq!(major_version("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major_version("postgres (PostgreSQL) 9.6.24\n"), Some(9));
        assert_eq!(major_version("postgres (PostgreSQL) devel\n"), None);
        assert_eq!(major_version(""), None);
    }

    #[test]
    fn highest_version_is_first() {
        let names = ["9.6", "15", "18", "common", ".tmp17", "16"].map(str::to_owned).to_vec();
        assert_eq!(sorted(names, ""), ["18", "16", "15", "9.6"]);
    }

    #[test]
    fn unversioned_names_are_ignored() {
        let names = ["postgresql@14", "postgresql", "postgis", "postgresql@17"].map(str::to_owned).to_vec();
        assert_eq!(sorted(names, "postgresql@"), ["postgresql@17", "postgresql@14"]);
    }
}
