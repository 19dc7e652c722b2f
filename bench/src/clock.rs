//! Time and work as the machine counts them: one clock for every process of it, and the CPU of each.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of the machine's monotonic clock, which is the same for every process and does not jump.
pub fn now() -> u64 {
    read(ClockId::CLOCK_MONOTONIC).map_or(0, |it| it.as_nanos() as u64)
}

/// Milliseconds from one moment to another; negative when the other came first.
pub fn ms_between(from: u64, to: u64) -> f64 {
    (to as f64 - from as f64) / 1e6
}

/// Seconds since a moment.
pub fn seconds_since(from: u64) -> f64 {
    ms_between(from, now()) / 1e3
}

/// Seconds of CPU that this process has used, all threads together.
pub fn cpu_of_self() -> f64 {
    read(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(0.0, |it| it.as_secs_f64())
}

/// Seconds of CPU that another process has used; nothing where this cannot be asked, or when it has ended.
#[cfg(target_os = "linux")]
pub fn cpu_of(pid: u32) -> Option<f64> {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).ok()?);
    read(nix::time::clock_getcpuclockid(pid).ok()?).map(|it| it.as_secs_f64())
}

/// Seconds of CPU that another process has used: this system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn cpu_of(_pid: u32) -> Option<f64> {
    None
}

/// Kilobytes of memory that a process holds (VmRSS), where the system tells.
pub fn resident_kb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn read(clock: ClockId) -> Option<Duration> {
    clock_gettime(clock).ok().map(Duration::from)
}
