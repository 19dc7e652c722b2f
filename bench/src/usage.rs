//! What PostgreSQL spends: CPU, if the server runs on this machine, and bytes of WAL.

use super::session::Session;
use super::sql::{BACKEND, WAL};
use crate::error::Result;

/// Clock ticks per second in /proc on Linux.
const TICKS: f64 = 100.0;

pub struct UsageMeter<'a> {
    session: &'a Session,
    postmaster: Option<u32>,
}

/// A reading.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    cpu: Option<f64>,
    wal: Option<i64>,
}

/// The difference of two readings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds; `None` if the server runs elsewhere.
    pub cpu: Option<f64>,
    /// Bytes; `None` without the privilege to read the WAL position.
    pub wal: Option<f64>,
}

impl<'a> UsageMeter<'a> {
    pub async fn new(session: &'a Session) -> Self {
        Self { session, postmaster: postmaster(session).await.ok().flatten() }
    }

    /// Whether the CPU of the server can be read.
    pub fn sees_cpu(&self) -> bool {
        self.postmaster.is_some()
    }

    pub async fn read(&self) -> Reading {
        let wal = self.session.number(&WAL, &[]).await.ok();
        Reading { cpu: self.postmaster.and_then(server_cpu), wal }
    }

    pub async fn since(&self, before: Reading) -> Usage {
        let now = self.read().await;
        let cpu = now.cpu.zip(before.cpu).map(|(now, before)| now - before);
        let wal = now.wal.zip(before.wal).map(|(now, before)| (now - before) as f64);
        Usage { cpu, wal }
    }
}

/// The parent of our backend process, if that is a PostgreSQL of this machine.
async fn postmaster(session: &Session) -> Result<Option<u32>> {
    let row = session.client.query_one(BACKEND.text, &[]).await?;
    let (pid, is_here): (i32, bool) = (row.try_get("pid")?, row.try_get("is_here")?);
    // The pid of a server in another container belongs to another process here.
    let serves = Stat::read(pid.unsigned_abs()).filter(|it| is_here && it.name.starts_with("postgres"));
    Ok(serves.map(|it| it.parent))
}

/// CPU seconds of the postmaster, its finished children and its running children.
fn server_cpu(postmaster: u32) -> Option<f64> {
    let head = Stat::read(postmaster)?;
    let children = std::fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
        let child = Stat::read(entry.file_name().to_str()?.parse().ok()?)?;
        (child.parent == postmaster).then_some(child.own)
    });
    Some((head.own + head.reaped + children.sum::<u64>()) as f64 / TICKS)
}

/// The fields of `/proc/PID/stat` that matter here.
struct Stat {
    name: String,
    parent: u32,
    own: u64,
    reaped: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name is in parentheses and may contain anything, so fields are counted from the last parenthesis.
    fn parse(text: &str) -> Option<Self> {
        let (head, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            name: head.split_once('(')?.1.to_owned(),
            parent: u32::try_from(number(1)?).ok()?,
            own: number(11)? + number(12)?,
            reaped: number(13)? + number(14)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_stat_fields_follow_the_last_parenthesis() {
        let stat = Stat::parse("77 (postgres: a) b) S 42 77 77 0 -1 4194560 1 2 3 4 100 20 7 3 20 0 1").unwrap();
        assert_eq!((stat.name.as_str(), stat.parent, stat.own, stat.reaped), ("postgres: a) b", 42, 120, 10));
    }
}
