//! `postmaster.pid`, the file that `pg_ctl` itself waits on: no connection and no client program is needed.

use std::fs;
use std::path::Path;

use nix::sys::signal::kill;
use nix::unistd::Pid;

/// What a postmaster says about itself.
#[derive(Debug, PartialEq, Eq)]
pub struct PidFile {
    pub pid: u32,
    /// Start time in seconds since 1970.
    pub started: u64,
    pub port: u16,
    pub ready: bool,
}

impl PidFile {
    /// Reads the file of this data folder; `None` when it is missing or not yet complete.
    pub fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// The lines are: pid, data folder, start time, port, socket folder, address, shared memory, status.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok().filter(|pid| *pid > 0)?,
            started: lines.get(2)?.parse().ok()?,
            port: lines.get(3)?.parse().ok()?,
            ready: lines.get(7) == Some(&"ready"),
        })
    }

    /// Whether the process is a living postmaster that we started on this data folder.
    ///
    /// A pid alone proves nothing: after a restart of the machine or the container it may be anybody's.
    pub fn is_ours(&self, data: &Path) -> bool {
        let args = command_line(self.pid);
        is_postgres(&args) && args.iter().any(|arg| Path::new(arg) == data)
    }

    /// Whether the pid belongs to a process that is no PostgreSQL: a zombie, or one that got the number later.
    pub fn is_stranger(&self) -> bool {
        kill(Pid::from_raw(self.pid.cast_signed()), None).is_ok() && !is_postgres(&command_line(self.pid))
    }
}

fn is_postgres(args: &[String]) -> bool {
    args.first().is_some_and(|program| Path::new(program).file_name().is_some_and(|name| name == "postgres"))
}

/// The arguments of a process; none for a zombie. Everybody may read them, unlike its working folder.
#[cfg(target_os = "linux")]
fn command_line(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).split_terminator('\0').map(str::to_owned).collect()
}

#[cfg(not(target_os = "linux"))]
fn command_line(pid: u32) -> Vec<String> {
    let output = std::process::Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
    words(&output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default())
}

/// Takes apart what `ps` runs together. Folders may have spaces in them ("Application Support"), so it is split at
/// the flags only.
#[cfg(any(test, not(target_os = "linux")))]
fn words(text: &str) -> Vec<String> {
    let mut parts = text.trim().split(" -");
    let program = parts.next().into_iter();
    program.chain(parts.flat_map(|part| part.splitn(2, ' '))).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/d/data\n1763900000\n54321\n\n127.0.0.1\n  1234   0\nready   \n";

    #[test]
    fn a_ready_server_is_read() {
        let file = PidFile { pid: 4711, started: 1_763_900_000, port: 54321, ready: true };
        assert_eq!(PidFile::parse(READY), Some(file));
    }

    #[test]
    fn other_states_are_not_ready() {
        for state in ["starting", "stopping", "standby"] {
            let file = PidFile::parse(&READY.replace("ready", state));
            assert_eq!(file.map(|f| f.ready), Some(false), "{state}");
        }
    }

    #[test]
    fn a_file_that_is_being_written_is_not_taken() {
        for text in ["", "4711\n", "4711\n/d/data\n1763900000\n", "-5\n/d\n1\n2\n", "0\n/d\n1\n2\n"] {
            assert_eq!(PidFile::parse(text), None, "{text:?}");
        }
        assert_eq!(PidFile::parse("4711\n/d/data\n1763900000\n54321\n").map(|f| f.ready), Some(false));
    }

    #[test]
    fn we_are_a_stranger_and_not_ours() {
        let file = PidFile { pid: std::process::id(), started: 0, port: 1, ready: true };
        assert!(file.is_stranger());
        assert!(!file.is_ours(Path::new("/d/data")));
    }

    #[test]
    fn folders_with_spaces_survive_ps() {
        let args = words("/My Apps/bin/postgres -D /Application Support/data -p 5432\n");
        assert_eq!(args, ["/My Apps/bin/postgres", "D", "/Application Support/data", "p", "5432"]);
        assert!(is_postgres(&args));
        assert!(!is_postgres(&words("")));
    }
}
