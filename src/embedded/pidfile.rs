//! `postmaster.pid`, which `pg_ctl` also waits on: it requires no connection and no client program.

use std::fs;
use std::path::Path;

use nix::sys::signal::kill;
use nix::unistd::Pid;

/// The content of `postmaster.pid`.
#[derive(Debug, PartialEq, Eq)]
pub struct PidFile {
    pub pid: u32,
    /// Start time in seconds since 1970.
    pub started: u64,
    pub port: u16,
    pub ready: bool,
}

impl PidFile {
    /// Reads the file of a data directory. Returns `None` if it is missing or incomplete.
    pub fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// The lines are: pid, data directory, start time, port, socket directory, address, shared memory, status.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok().filter(|pid| *pid > 0)?,
            started: lines.get(2)?.parse().ok()?,
            port: lines.get(3)?.parse().ok()?,
            ready: lines.get(7) == Some(&"ready"),
        })
    }

    /// Whether the process is a running postmaster on this data directory.
    ///
    /// The pid alone proves nothing: after a restart of the machine or container, another process may have it.
    pub fn is_ours(&self, data: &Path) -> bool {
        let args = command_line(self.pid);
        is_postgres(&args) && args.iter().any(|arg| Path::new(arg) == data)
    }

    /// Whether the pid belongs to another process: a zombie, or one that got the number later.
    pub fn is_unrelated(&self) -> bool {
        kill(Pid::from_raw(self.pid.cast_signed()), None).is_ok() && !is_postgres(&command_line(self.pid))
    }
}

fn is_postgres(args: &[String]) -> bool {
    args.first().is_some_and(|program| Path::new(program).file_name().is_some_and(|name| name == "postgres"))
}

/// The arguments of a process; none for a zombie. Unlike the working directory, they are readable for every user.
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

/// Splits the output of `ps`. Directories may contain spaces ("Application Support"), so it splits at flags only.
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
    fn ready_server_is_parsed() {
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
    fn incomplete_file_is_ignored() {
        for text in ["", "4711\n", "4711\n/d/data\n1763900000\n", "-5\n/d\n1\n2\n", "0\n/d\n1\n2\n"] {
            assert_eq!(PidFile::parse(text), None, "{text:?}");
        }
        assert_eq!(PidFile::parse("4711\n/d/data\n1763900000\n54321\n").map(|f| f.ready), Some(false));
    }

    #[test]
    fn other_process_is_unrelated() {
        let file = PidFile { pid: std::process::id(), started: 0, port: 1, ready: true };
        assert!(file.is_unrelated());
        assert!(!file.is_ours(Path::new("/d/data")));
    }

    #[test]
    fn directories_with_spaces_are_kept() {
        let args = words("/My Apps/bin/postgres -D /Application Support/data -p 5432\n");
        assert_eq!(args, ["/My Apps/bin/postgres", "D", "/Application Support/data", "p", "5432"]);
        assert!(is_postgres(&args));
        assert!(!is_postgres(&words("")));
    }
}
