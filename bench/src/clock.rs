//! The monotonic clock that all processes of a machine share, and the CPU time and memory of processes.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of the monotonic clock of the machine.
pub fn now() -> u64 {
    read(ClockId::CLOCK_MONOTONIC).map_or(0, |it| it.as_nanos() as u64)
}

/// Milliseconds between two times; negative if the second comes first.
pub fn ms_between(from: u64, to: u64) -> f64 {
    (to as f64 - from as f64) / 1e6
}

pub fn seconds_since(from: u64) -> f64 {
    ms_between(from, now()) / 1e3
}

/// CPU seconds of this process, all threads together.
pub fn cpu_of_self() -> f64 {
    read(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(0.0, |it| it.as_secs_f64())
}

/// CPU seconds of another process; `None` if it has ended or the system does not say.
#[cfg(target_os = "linux")]
pub fn cpu_of(pid: u32) -> Option<f64> {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).ok()?);
    read(nix::time::clock_getcpuclockid(pid).ok()?).map(|it| it.as_secs_f64())
}

/// CPU seconds of another process, which this system does not report.
#[cfg(not(target_os = "linux"))]
pub fn cpu_of(_pid: u32) -> Option<f64> {
    None
}

/// Resident memory of a process in kilobytes (VmRSS), where the system reports it.
pub fn resident_kb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn read(clock: ClockId) -> Option<Duration> {
    clock_gettime(clock).ok().map(Duration::from)
}
