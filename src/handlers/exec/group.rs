//! A program with everybody it starts: one process group, which is stopped as one.

use std::io::{Error, Result};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::Command;
use super::folder::Folder;
use crate::handlers::Job;

/// Who is dropped kills all of them at once.
pub struct Group {
    leader: Child,
    id: Pid,
    /// Whether the leader's status was taken. Until then its id, which is the group's, is nobody else's.
    reaped: bool,
}

/// What the program reads and writes.
pub struct Pipes {
    pub stdin: ChildStdin,
    pub stdout: ChildStdout,
    pub stderr: ChildStderr,
}

/// How often it is looked whether the others have ended: they are not our children, so nobody tells us.
const LOOK: Duration = Duration::from_millis(50);

impl Group {
    pub fn start(command: &Command, job: &Job, folder: &Folder) -> Result<(Self, Pipes)> {
        let mut program = tokio::process::Command::new(&command.program);
        program.args(command.argv.iter().skip(1)).current_dir(folder.path()).env_clear();
        stand_apart(&mut program);
        if let Some(name) = command.argv.first() {
            program.arg0(name);
        }
        program.envs(command.env.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        program.envs(command.set.iter().map(|(name, value)| (name, value)));
        program.env("PROVOST_EXECUTION_ID", job.execution_id.to_string()).env("PROVOST_JOB_ID", job.id.to_string());
        program.env("PROVOST_ATTEMPT", job.attempt.to_string()).env("PROVOST_TENANT", &job.tenant);
        if let Some(inputs) = folder.inputs() {
            program.env("PROVOST_INPUTS", inputs);
        }
        if let Some((user, group)) = command.user {
            // The other groups of the worker are left behind with them.
            program.uid(user).gid(group);
        }
        command.limits.set_in(&mut program);
        die_with_us(&mut program);
        let mut leader = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let id = leader.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or(Error::other("it has no id"))?;
        let pipes = (leader.stdin.take(), leader.stdout.take(), leader.stderr.take());
        let group = Self { leader, id, reaped: false };
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else { return Err(Error::other("it has no pipes")) };
        Ok((group, Pipes { stdin, stdout, stderr }))
    }

    /// Waits until the leader has ended, and leaves its status where it is: the rest of the group can then still be killed
    /// by its id, and nobody else.
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

    /// Waits until everybody has ended, and leaves the leader's status where it is.
    pub async fn all_ended(&self) -> Result<()> {
        self.ended().await?;
        while has_living(self.id) {
            sleep(LOOK).await;
        }
        Ok(())
    }

    pub fn terminate(&self) {
        // Where nobody is left, nobody need be told.
        _ = kill_process_group(self.id, Signal::TERM);
    }

    pub fn kill(&self) {
        _ = kill_process_group(self.id, Signal::KILL);
    }

    /// How the leader ended. From here on its id may be somebody else's.
    pub async fn reap(&mut self) -> Result<ExitStatus> {
        let status = self.leader.wait().await?;
        self.reaped = true;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nobody is waited for here: the runtime takes the leader's status, and `reaper` removes the folder.
        if !self.reaped {
            self.kill();
        }
    }
}

/// Gives the program a session of its own, and with it a group: it cannot type into the terminal that the worker was started from.
fn stand_apart(program: &mut tokio::process::Command) {
    let ask = || Ok(rustix::process::setsid().map(drop)?);
    // SAFETY: between fork and exec it makes one system call; it takes no lock and allocates nothing.
    unsafe { program.pre_exec(ask) };
}

/// Whether anybody of a group lives. A signal to it would reach its dead leader, too, as long as nobody takes its status.
#[cfg(target_os = "linux")]
fn has_living(group: Pid) -> bool {
    // Where nothing is to be seen, they have the whole of their grace.
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let stats = processes.flatten().filter_map(|process| std::fs::read(process.path().join("stat")).ok());
    stats.into_iter().any(|stat| lives_in(group, &String::from_utf8_lossy(&stat)))
}

/// Whether a line of `/proc/…/stat` is about somebody of a group who lives: `17 (name) S 1 17 …`, where a name may hold anything.
#[cfg(target_os = "linux")]
fn lives_in(group: Pid, stat: &str) -> bool {
    let mut words = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    let (state, of) = (words.next(), words.nth(1));
    of == Some(group.to_string().as_str()) && !matches!(state, Some("Z" | "X"))
}

/// Where the dead cannot be told from the living, whoever is there has the whole of the grace.
#[cfg(not(target_os = "linux"))]
fn has_living(group: Pid) -> bool {
    rustix::process::test_kill_process_group(group).is_ok()
}

/// Has the program killed when the worker is, even by kill -9. It must be asked for after the change of user, which would
/// clear it. What the program started itself is not reached by this.
#[cfg(target_os = "linux")]
fn die_with_us(program: &mut tokio::process::Command) {
    let us = rustix::process::getpid();
    let ask = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // If we died before that line, nobody will send the signal any more.
        if rustix::process::getppid() == Some(us) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
    };
    // SAFETY: between fork and exec it makes two system calls; it takes no lock and allocates nothing.
    unsafe { program.pre_exec(ask) };
}

/// Other systems have no such signal.
#[cfg(not(target_os = "linux"))]
fn die_with_us(_: &mut tokio::process::Command) {}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_living_of_a_group() {
        let group = Pid::from_raw(17).unwrap();
        for (stat, lives) in [
            ("20 (sh) S 1 17 17 0", true),
            ("20 (a) Z 1 9 (b) R 1 17 17", true),
            ("17 (sh) Z 1 17 17 0", false),
            ("20 (sh) X 1 17 17 0", false),
            ("20 (sh) S 17 20 17 0", false),
            ("", false),
        ] {
            assert_eq!(lives_in(group, stat), lives, "{stat}");
        }
    }
}
