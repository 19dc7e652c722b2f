//! A program and the processes that it starts: one process group, stopped as a whole.

use std::io::{Error, Result};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::work_dir::WorkDir;
use super::{FirstSignal, Invocation, Program};

/// Dropping it kills the group.
pub struct ProcessGroup {
    leader: Child,
    id: Pid,
    /// Whether the leader was reaped. Until then, its id, which is the group's id, cannot be reused.
    reaped: bool,
}

pub struct Pipes {
    pub stdin: ChildStdin,
    pub stdout: ChildStdout,
    pub stderr: ChildStderr,
}

/// How often the group is polled: its processes are not our children, so no signal reports their end.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

impl ProcessGroup {
    pub fn start(configured: &Program, run: &Invocation<'_>, work_dir: &WorkDir) -> Result<(Self, Pipes)> {
        let conditions = &configured.conditions;
        let mut program = tokio::process::Command::new(&configured.path);
        program.args(configured.argv.iter().skip(1)).current_dir(work_dir.path()).env_clear();
        start_session(&mut program);
        if let Some(name) = configured.argv.first() {
            program.arg0(name);
        }
        program.envs(conditions.env.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        program.envs(conditions.set.iter().map(|(name, value)| (name, value)));
        program.envs(run.variables.iter().map(|(name, value)| (name, value)));
        if let Some(inputs) = work_dir.inputs() {
            program.env("PROVOST_INPUTS", inputs);
        }
        if let Some((user, group)) = conditions.user {
            // This drops the supplementary groups of the worker.
            program.uid(user).gid(group);
        }
        conditions.limits.set_in(&mut program);
        kill_with_worker(&mut program);
        let mut leader = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let id =
            leader.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or(Error::other("the process has no id"))?;
        let pipes = (leader.stdin.take(), leader.stdout.take(), leader.stderr.take());
        let group = Self { leader, id, reaped: false };
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Error::other("the process has no pipes"));
        };
        Ok((group, Pipes { stdin, stdout, stderr }))
    }

    /// Waits until the leader has ended, without reaping it, so that the rest of the group can still be killed by its
    /// id.
    pub async fn ended(&self) -> Result<()> {
        let mut children = signal(SignalKind::child())?;
        while !self.has_ended()? {
            children.recv().await;
        }
        Ok(())
    }

    fn has_ended(&self) -> Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.id), options)?.is_some())
    }

    /// Waits until the whole group has ended, without reaping the leader.
    pub async fn all_ended(&self) -> Result<()> {
        self.ended().await?;
        while is_alive(self.id) {
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    pub fn ask_to_end(&self, signal: FirstSignal) {
        let signal = match signal {
            FirstSignal::Terminate => Signal::TERM,
            FirstSignal::Interrupt => Signal::INT,
        };
        // An empty group is no error.
        _ = kill_process_group(self.id, signal);
    }

    pub fn kill(&self) {
        _ = kill_process_group(self.id, Signal::KILL);
    }

    /// Reaps the leader. From here on, its id may be reused.
    pub async fn reap(&mut self) -> Result<ExitStatus> {
        let status = self.leader.wait().await?;
        self.reaped = true;
        Ok(status)
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // The runtime reaps the leader, and `cleanup` removes the working directory.
        if !self.reaped {
            self.kill();
        }
    }
}

/// Starts a new session, and with it a process group: the program cannot write to the terminal of the worker.
fn start_session(program: &mut tokio::process::Command) {
    let prepare = || Ok(rustix::process::setsid().map(drop)?);
    // SAFETY: between fork and exec this makes one system call; it takes no lock and allocates nothing.
    unsafe { program.pre_exec(prepare) };
}

/// Whether a process of the group is alive. Sending a signal would also find the leader that is not yet reaped.
#[cfg(target_os = "linux")]
fn is_alive(group: Pid) -> bool {
    // Without /proc, assume that the group is alive: it then has its whole grace.
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let stats = processes.flatten().filter_map(|process| std::fs::read(process.path().join("stat")).ok());
    stats.into_iter().any(|stat| is_alive_in(group, &String::from_utf8_lossy(&stat)))
}

/// Whether a line of `/proc/…/stat` describes a living process of the group: `17 (name) S 1 17 …`, where the name may
/// contain anything.
#[cfg(target_os = "linux")]
fn is_alive_in(group: Pid, stat: &str) -> bool {
    let mut words = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    let (state, of) = (words.next(), words.nth(1));
    of == Some(group.to_string().as_str()) && !matches!(state, Some("Z" | "X"))
}

/// The ended leader counts as alive here, so the group has its whole grace.
#[cfg(not(target_os = "linux"))]
fn is_alive(group: Pid) -> bool {
    rustix::process::test_kill_process_group(group).is_ok()
}

/// Kills the program when the worker dies, even by SIGKILL. Must come after the change of user, which clears the
/// setting. Does not cover the children of the program.
#[cfg(target_os = "linux")]
fn kill_with_worker(program: &mut tokio::process::Command) {
    let worker = rustix::process::getpid();
    let prepare = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // If the worker died before this call, the signal will never come.
        if rustix::process::getppid() == Some(worker) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
    };
    // SAFETY: between fork and exec this makes two system calls; it takes no lock and allocates nothing.
    unsafe { program.pre_exec(prepare) };
}

/// Only Linux has this signal.
#[cfg(not(target_os = "linux"))]
fn kill_with_worker(_: &mut tokio::process::Command) {}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn living_processes_of_a_group_are_found() {
        let group = Pid::from_raw(17).unwrap();
        for (stat, lives) in [
            ("20 (sh) S 1 17 17 0", true),
            ("20 (a) Z 1 9 (b) R 1 17 17", true),
            ("17 (sh) Z 1 17 17 0", false),
            ("20 (sh) X 1 17 17 0", false),
            ("20 (sh) S 17 20 17 0", false),
            ("", false),
        ] {
            assert_eq!(is_alive_in(group, stat), lives, "{stat}");
        }
    }
}
