//! What the workers did: the file that the handler `ledger` writes.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// One execution, as recorded outside the database.
#[derive(Clone, Debug, Default)]
pub struct Effect {
    pub job: Uuid,
    /// The name of the process.
    pub by: String,
    pub starts: usize,
    /// Start and end in nanoseconds of a monotonic clock that all processes share.
    pub began: u128,
    pub ended: u128,
    /// `done`, `failed` or `refused`, if it ended.
    pub end: Option<String>,
}

/// Creates the empty file.
pub fn create(folder: &Path) -> PathBuf {
    let path = folder.join("effects");
    File::create(&path).unwrap();
    path
}

/// Parses the file; also returns the number of incomplete lines.
pub fn read(path: &Path) -> (HashMap<Uuid, Effect>, usize) {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let (mut effects, mut incomplete) = (HashMap::<Uuid, Effect>::new(), 0);
    for line in text.lines() {
        let Some((what, job, execution, at, by)) = parse(line) else {
            incomplete += 1;
            continue;
        };
        let effect = effects.entry(execution).or_default();
        (effect.job, effect.by) = (job, by.to_owned());
        if what == "start" {
            (effect.starts, effect.began) = (effect.starts + 1, at);
        } else {
            (effect.end, effect.ended) = (Some(what.to_owned()), at);
        }
    }
    (effects, incomplete)
}

fn parse(line: &str) -> Option<(&str, Uuid, Uuid, u128, &str)> {
    let mut words = line.split(' ');
    let (what, job, execution) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    // The attempt number is informational. An incomplete line lacks the time or the process.
    let (_, at): (i32, u128) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((what, job, execution, at, words.next()?))
}
