//! Resource limits of a program, enforced by the operating system for each process.

use std::fmt;
use std::str::FromStr;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Deserializer};

/// `None` means the limit of the worker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    pub memory: Option<u64>,
    pub cpu_seconds: Option<u64>,
    pub open_files: Option<u64>,
    /// Of the user, over all programs.
    pub processes: Option<u64>,
    /// The maximum size of a file, in bytes.
    pub file_size: Option<u64>,
}

impl Limits {
    /// Applies the limits before the program starts, so that it cannot raise them.
    pub fn set_in(&self, program: &mut tokio::process::Command) {
        let limits = [
            (Resource::As, self.memory),
            (Resource::Cpu, self.cpu_seconds),
            (Resource::Nofile, self.open_files),
            (Resource::Nproc, self.processes),
            (Resource::Fsize, self.file_size),
            // Keep its memory from being dumped to disk.
            (Resource::Core, Some(0)),
        ];
        let set = move || {
            limits.iter().filter_map(|(resource, limit)| Some((*resource, (*limit)?))).try_for_each(
                |(resource, limit)| {
                    let limit = getrlimit(resource).maximum.map_or(limit, |max| max.min(limit));
                    // The soft limit sends SIGXCPU, which names the cause; the hard limit stops programs that ignore
                    // it.
                    let hard = if matches!(resource, Resource::Cpu) { limit.saturating_add(1) } else { limit };
                    let hard = getrlimit(resource).maximum.map_or(hard, |max| max.min(hard));
                    setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(hard) })
                },
            )?;
            Ok(())
        };
        // SAFETY: between fork and exec this makes only system calls; it takes no lock and allocates nothing.
        unsafe { program.pre_exec(set) };
    }
}

/// A number of bytes: `1048576`, `"64KiB"`, `"512MiB"`, `"2GiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

#[derive(Debug, PartialEq, Eq)]
pub struct SizeError;

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a number of bytes, or a size like \"64KiB\", \"512MiB\" or \"2GiB\"")
    }
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let shift = match unit.trim_start() {
            "" | "B" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            _ => return Err(SizeError),
        };
        let number: u64 = number.parse().map_err(|_| SizeError)?;
        number.checked_mul(1 << shift).map(Self).ok_or(SizeError)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        let size = match Written::deserialize(deserializer) {
            Ok(Written::Number(bytes)) => Ok(Self(bytes)),
            Ok(Written::Text(text)) => text.parse(),
            Err(_) => Err(SizeError),
        };
        size.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_parsed() {
        for (text, bytes) in
            [("0", 0), ("17", 17), ("17B", 17), ("64KiB", 65_536), ("2 MiB", 2 << 20), ("3GiB", 3 << 30)]
        {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for nonsense in ["", "KiB", "-1", "1.5MiB", "1 kb", "1MB", "99999999999GiB", "١KiB"] {
            assert_eq!(nonsense.parse::<Size>(), Err(SizeError), "{nonsense}");
        }
    }
}
